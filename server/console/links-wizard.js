// The way to a new link: table, sheet, columns, choices, and a dry run before it is made.
import { html, useState, useEffect, useLayoutEffect, useRef, useLoad, Button, Field, Problem, Skeleton, Empty, Badge, count, copy, to, go } from "./ui.js";
import { get, all } from "./api.js";
import { serverInfo, draft } from "./session.js";
import { Columns, paired, columnProblems, sent, typeOf } from "./links-columns.js";
import { Choices, defaults, choicesSent, choicesWrong, atFields } from "./links-choices.js";
import { Checked, usePreview, unlinkable } from "./links-check.js";
import { Try } from "./links-try.js";
import { Aside, sentence } from "./sync-words.js";

const steps = ["Table", "Sheet", "Columns", "Choices", "Try"];

// sheetId takes the id out of any address of a spreadsheet, or a bare id; "" when there is none.
export function sheetId(text) {
  const given = text.trim();
  const found = /\/spreadsheets\/(?:u\/\d+\/)?d\/([A-Za-z0-9_-]+)/.exec(given) || /[?&#](?:id|key)=([A-Za-z0-9_-]+)/.exec(given) || /^([A-Za-z0-9_-]{8,200})$/.exec(given);
  return found && found[1] !== "e" ? found[1] : "";
}

// slug makes an id of a link out of a name.
export const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "").slice(0, 40).replace(/-+$/, "");

// Each step has its address, #/links/new/columns, so that the browser's way back leads to the step before.
const partOf = (step) => (step ? [steps[step].toLowerCase()] : []);

export function LinkWizard({ part }) {
  const [begun] = useState(() => (part ? draft.read() : {})); // without a step in its address, it begins afresh
  const [table, setTable] = useState(begun.table || null);
  const [address, setAddress] = useState(begun.address || ""), [sheet, setSheet] = useState(begun.sheet || null), [tab, setTab] = useState(begun.tab || null); // tab: {title, headers, create, headerRow}
  const [columns, setColumns] = useState(begun.columns || []), [choices, setChoices] = useState(begun.choices || null);
  const links = useLoad(() => all("/v1/links", "links"), []), [wrong, setWrong] = useState(null);
  const heading = useRef(), moved = useRef(false);
  useLayoutEffect(() => draft.keep({ table, address, sheet, tab, columns, choices }), [table, address, sheet, tab, columns, choices]);
  const taken = new Set((links.data || []).map((l) => l.name.split("/")[1]));
  const pickTable = (found) => {
    setTable(found);
    setColumns(tab ? paired(found, tab.headers) : []);
    const id = slug(found.table) || "link";
    let free = id;
    for (let n = 2; taken.has(free); n++) free = `${id.slice(0, 37)}-${n}`;
    setChoices({ ...defaults(), ...choices, displayName: choices?.named ? choices.displayName : found.table, id: choices?.named ? choices.id : free, updateTimeColumn: "" });
  };
  const pickTab = (found) => {
    setTab(found);
    setColumns(paired(table, found.headers));
  };
  const problems = table ? columnProblems(table, columns) : {};
  const ready = [!!table, !!(sheet && tab && tab.title.trim()), !!table && columns.some((c) => c.linked) && !Object.keys(problems).length, !!choices && /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(choices.id) && !Object.keys(choicesWrong(choices)).length];
  const reach = ready.findIndex((ok) => !ok), furthest = reach < 0 ? 4 : reach;
  const step = Math.min(Math.max(0, steps.findIndex((name) => name.toLowerCase() === part)), furthest);
  const setStep = (next) => go("links", "new", ...partOf(next));
  useEffect(() => {
    if (part && part !== partOf(step)[0]) location.replace(to("links", "new", ...partOf(step))); // what came before is not there
  }, []);
  useEffect(() => {
    if (moved.current) {
      heading.current?.focus();
      scrollTo(0, 0);
    }
    moved.current = true;
  }, [step]);
  const hints = ["Pick a table first.", "Paste the address of a sheet and pick a tab.", "Look at the columns marked in red.", choices && !choices.id ? "The id is missing." : "Look at what is marked in red."];
  const place = step > 1 && { table: table.table, spreadsheetId: sheet.id, tab: tab.title.trim(), ...(tab.create && { createTab: true }), ...(tab.headerRow > 1 && { headerRow: tab.headerRow }) };
  // Whether cells fit has nothing to do with who wins.
  const check = usePreview(step === 2 && ready[2] ? { ...place, columns: sent(columns).map(({ column, header, owner }) => ({ column, header, owner })) } : null);
  const refused = (error) => {
    setWrong(error);
    const field = error.fields?.[0]?.field || "";
    if (error.reason === "LINK_EXISTS" || /link_id|display|policy|limit|alert|update_time/.test(field)) setStep(3);
    else if (/columns/.test(field)) setStep(2);
  };
  return html`<div class="wizard">
    <div class="head"><a class="back" href=${to("links")} aria-label="All links">←</a><h1>New link</h1></div>
    <nav aria-label="Steps"><ol class="link-steps">${steps.map((name, i) => html`<li key=${name}>
      <button type="button" disabled=${i > furthest} aria-current=${i === step ? "step" : undefined} class=${i < step ? "done" : ""} onClick=${() => setStep(i)}><span>${i + 1}</span> ${name}</button></li>`)}</ol></nav>
    <h2 tabindex="-1" ref=${heading} class="link-heading">${["Which table?", "Which Google Sheet?", "Which columns belong together?", "How shall it work?", "Try it"][step]}</h2>
    ${step < 4 && wrong && html`<${Problem} error=${step === 3 && atFields(wrong) ? { message: "The link was not made: look at what is marked in red." } : wrong} />`}
    ${step === 0 && html`<${PickTable} table=${table} pick=${pickTable} />`}
    ${step === 1 && html`<${PickSheet} address=${address} setAddress=${setAddress} sheet=${sheet} setSheet=${(found) => { setSheet(found); setTab(null); }} tab=${tab} pick=${pickTab} links=${links.data || []} table=${table} />`}
    ${step === 2 && html`<div>
      <p class="dim">${tab.headers ? "Columns whose name equals a header are paired already."
        : tab.headerRow > 1 ? `Write the headers as they stand in row ${tab.headerRow}. Into an empty tab they are written when the link is made.` : "The headers are written into the tab when the link is made."}</p>
      <${Checked} check=${check} />
      <${Columns} table=${table} headers=${tab.headers} columns=${columns} set=${setColumns} wrong=${{ ...unlinkable(check, sent(columns)), ...problems }} check=${check} /></div>`}
    ${step === 3 && html`<${Choices} choices=${choices} set=${(next) => { setChoices(next); setWrong(null); }} table=${table} taken=${taken} error=${wrong} making=${true} />`}
    ${step === 4 && html`<${Try} link=${{ ...place, columns: sent(columns), ...choicesSent(choices) }} id=${choices.id} table=${table} sheet=${sheet} tab=${tab} refused=${refused} wrong=${wrong} back=${() => setStep(3)} />`}
    ${step < 4 && html`<div class="link-next">
      ${step > 0 && html`<${Button} onClick=${() => setStep(step - 1)}>Back<//>`}
      <${Button} kind="primary" disabled=${!ready[step]} aria-describedby="link-next-hint" onClick=${() => { setWrong(null); setStep(step + 1); }}>Next: ${steps[step + 1]}<//>
      <span class="dim" id="link-next-hint">${ready[step] ? "" : hints[step]}</span></div>`}
  </div>`;
}

function PickTable({ table, pick }) {
  const tables = useLoad(() => all("/v1/tables", "tables"), []), [search, setSearch] = useState("");
  const found = (tables.data || []).filter((t) => t.table.toLowerCase().includes(search.trim().toLowerCase()));
  return html`<${Problem} error=${tables.error} retry=${tables.reload} />
    ${!tables.data && tables.loading && html`<${Skeleton} />`}
    ${tables.data && !tables.data.length && html`<${Empty} title="The database has no tables"><p>Make a table with a primary key first, then come back.</p><${Button} onClick=${tables.reload}>Look again<//><//>`}
    ${tables.data?.length > 6 && html`<${Field} label="Search">${(a) => html`<input ...${a} type="search" value=${search} onInput=${(e) => setSearch(e.target.value)} />`}<//>`}
    ${tables.data?.length > 0 && !found.length && html`<p class="dim">No table has that in its name.</p>`}
    <div class="link-split">
      <div class="link-picks" role="radiogroup" aria-label="Tables">${found.map((t) => html`<label key=${t.table} class="link-pick">
        <input type="radio" name="table" checked=${table?.table === t.table} disabled=${!t.linkable} onChange=${() => pick(t)} />
        <span><strong>${t.table}</strong><span class="dim">about ${count(t.estimatedRowCount, "row")} · ${count((t.columns || []).length, "column")}${(t.primaryKey || []).length ? ` · key ${t.primaryKey.join(", ")}` : ""}</span>
        ${!t.linkable && html`<span class="warn-text">${sentence(t.unlinkableReason)}</span>`}</span></label>`)}</div>
      ${table && html`<section class="panel" aria-labelledby="link-table"><h2 id="link-table">Columns of ${table.table}</h2>
        <dl class="link-types">${table.columns.map((c) => html`<div key=${c.name}><dt>${c.name} ${c.keyPosition > 0 && html`<${Badge} kind="info">key<//>`}</dt><dd class="dim">${typeOf(c)}${c.kind === "ENUM" ? "" : c.nullable ? "" : ", never empty"}</dd></div>`)}</dl></section>`}
    </div>`;
}

function PickSheet({ address, setAddress, sheet, setSheet, tab, pick, links, table }) {
  const id = sheetId(address), [look, setLook] = useState({ loading: false, error: null });
  const turn = useRef(0);
  const load = async (wanted) => {
    const mine = ++turn.current;
    setLook({ loading: true, error: null });
    try {
      const found = await get(`/v1/spreadsheets/${wanted}/tabs`);
      if (mine !== turn.current) return;
      setSheet({ id: wanted, title: found.spreadsheetTitle, timeZone: found.timeZone, tabs: found.tabs || [] });
      setLook({ loading: false, error: null });
    } catch (error) {
      if (mine === turn.current) setLook({ loading: false, error });
    }
  };
  useEffect(() => {
    if (sheet && sheet.id === id) return undefined;
    turn.current++;
    if (sheet) setSheet(null);
    setLook({ loading: false, error: null });
    if (!id) return undefined;
    const timer = setTimeout(() => load(id), 500);
    return () => clearTimeout(timer);
  }, [id]);
  const holder = (t) => links.find((l) => l.spreadsheetId === sheet.id && l.sheetId === t.sheetId);
  const error = look.error, closed = error && (error.status === 403 || error.reason === "GOOGLE_PERMISSION" || error.reason === "SPREADSHEET_NOT_FOUND");
  const free = () => {
    const titles = new Set(sheet.tabs.map((t) => t.title));
    let title = table.table;
    for (let n = 2; titles.has(title); n++) title = `${table.table} ${n}`;
    return title;
  };
  return html`<${Field} label="Address of the Google Sheet" hint="Open the sheet in your browser and copy the whole address from there." error=${address.trim() && !id ? "There is no id of a spreadsheet in this. The address looks like https://docs.google.com/spreadsheets/d/…/edit." : ""}>
      ${(a) => html`<input ...${a} type="text" inputmode="url" autocomplete="off" spellcheck=${false} value=${address} onInput=${(e) => setAddress(e.target.value)} placeholder="https://docs.google.com/spreadsheets/d/…" />`}<//>
    <div class="link-sheet" aria-live="polite">
    ${look.loading && html`<p class="dim">Reading its tabs…</p><${Skeleton} lines=${3} />`}
    ${error && !closed && html`<${Problem} error=${error} retry=${() => load(id)} />`}
    ${closed && html`<${Share} error=${error} retry=${() => load(id)} />`}
    ${sheet && html`<p><strong>${sheet.title}</strong> <span class="dim">· ${count(sheet.tabs.length, "tab")} · times in ${sheet.timeZone}</span></p>
      <div class="link-picks" role="radiogroup" aria-label="Tabs">
        ${sheet.tabs.map((t) => {
          const by = holder(t), headers = (t.headers || []).filter(Boolean);
          return html`<label key=${t.sheetId} class="link-pick"><input type="radio" name="tab" disabled=${!!by} checked=${tab && !tab.create && tab.sheetId === t.sheetId}
            onChange=${() => pick({ title: t.title, sheetId: t.sheetId, create: false, headerRow: 1, headers: headers.length ? t.headers : null })} />
            <span><strong>${t.title}</strong>${t.hidden && html` <${Badge}>hidden<//>`}
            <span class="dim">${headers.length ? `headers: ${headers.join(", ")}` : "no headers in the first row: they will be written"}</span>
            ${by && html`<span class="warn-text">linked already, by ${by.displayName || by.name.split("/")[1]}</span>`}</span></label>`;
        })}
        <label class="link-pick"><input type="radio" name="tab" checked=${!!tab?.create} onChange=${() => pick({ title: free(), create: true, headerRow: 1, headers: null })} />
          <span><strong>A new tab</strong><span class="dim">is added to the spreadsheet when the link is made</span></span></label>
      </div>
      ${tab?.create && html`<${Field} label="Name of the new tab">${(a) => html`<input ...${a} maxlength="100" value=${tab.title} onInput=${(e) => pick({ ...tab, title: e.target.value, headers: null })} />`}<//>`}
      ${tab && !tab.create && html`<${Aside} title="The headers stand in another row"><${Field} label="Row of the headers" hint="The headers of other rows cannot be shown beforehand: type them in the next step.">
        ${(a) => html`<input ...${a} type="number" min="1" max="1000" value=${tab.headerRow} onInput=${(e) => {
          const row = Math.max(1, Number(e.target.value) || 1), original = sheet.tabs.find((t) => t.sheetId === tab.sheetId)?.headers || [];
          pick({ ...tab, headerRow: row, headers: row === 1 && original.some(Boolean) ? original : null });
        }} />`}<//><//>`}`}
    </div>`;
}

// Share says how a spreadsheet is shared with the server.
function Share({ error, retry }) {
  const account = serverInfo().googleAccount;
  return html`<div class="panel link-share" role="alert"><h3>${error.reason === "SPREADSHEET_NOT_FOUND" ? "This sheet is not there, or not shared with Tandem" : "This sheet is not shared with Tandem"}</h3>
    ${account ? html`<p>Open the sheet, press <strong>Share</strong>, and add this address as an <strong>Editor</strong>:</p>
      <div class="row"><code class="link-account">${account}</code><${Button} onClick=${() => copy(account)}>Copy the address<//></div>`
      : html`<p>Check the address, and share the sheet with the Google account that this server uses, as an editor.</p>`}
    <p class="dim">Google says: ${sentence(error.message)}</p>
    <${Button} kind="primary" onClick=${retry}>Try again<//></div>`;
}
