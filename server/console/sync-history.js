// The history of a link: what was carried over, found and undone.
import { html, useState, useEffect, useRef, useMemo, useLoad, useAct, Button, Dialog, Field, Problem, Skeleton, Empty, Badge, Time, count, toast } from "./ui.js";
import { get, post, watch } from "./api.js";
import { may } from "./session.js";
import { Value, room, Aside, side, otherSide, same, sentence } from "./sync-words.js";

const kinds = { INSERT: ["added", "good"], UPDATE: ["changed", "info"], DELETE: ["deleted", "bad"] };
const causes = {
  API: "a call of the API", SQL: "another program in the database", SHEET: "an edit in the sheet", INITIAL_SYNC: "an initial sync",
  PUT_BACK: "put back after a halt", CONFLICT: "a conflict settled by a person", REVERT: "undone",
};
const nothing = { row: "", cause: "", source: "", actor: "", since: "" };

// asked writes what is typed in the filter as the API asks for it.
const asked = (f) => ({ row: f.row && encodeURIComponent(f.row.trim()), cause: f.cause, source: f.source, actor: f.actor.trim(), since: f.since && new Date(f.since).toISOString() });

// local writes a moment as an input of date and time does.
function local(moment) {
  const at = new Date(moment);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

export function History({ link, id, reload }) {
  const [typed, setTyped] = useState(nothing), [filter, setFilter] = useState(nothing);
  const [more, setMore] = useState({ list: [], token: null }), [news, setNews] = useState([]), [undo, setUndo] = useState(null);
  const path = `/v1/links/${id}/changes`, active = Object.values(filter).some(Boolean);
  const first = useLoad(async () => {
    const page = await get(path, { pageSize: 50, ...asked(filter) });
    setMore({ list: [], token: null });
    setNews([]);
    return page;
  }, [id, filter]);
  useEffect(() => {
    const timer = setTimeout(() => setFilter((now) => (same(now, typed) ? now : typed)), 400);
    return () => clearTimeout(timer);
  }, [typed]);
  // What is carried over now comes in on top; with a filter the list is read anew, for the server knows best what fits it.
  const fresh = useRef(null), latest = useRef();
  latest.current = { active, reload: first.reload };
  useEffect(() => {
    const stop = watch(`${path}:watch`, {
      each: (data) => {
        if (!data.change) return;
        if (!latest.current.active) setNews((list) => [data.change, ...list].slice(0, 500));
        else if (!fresh.current) fresh.current = setTimeout(() => { fresh.current = null; latest.current.reload(); }, 1000);
      },
      lost: () => latest.current.reload(),
    });
    return () => {
      stop();
      clearTimeout(fresh.current);
      fresh.current = null;
    };
  }, [id]);
  const act = useAct(), token = more.token === null ? first.data?.nextPageToken : more.token;
  const next = () => act.act(async () => {
    const page = await get(path, { pageSize: 50, ...asked(filter), pageToken: token });
    setMore((now) => ({ list: [...now.list, ...(page.changes || [])], token: page.nextPageToken || "" }));
  });
  const seen = new Set(), list = [...news, ...(first.data?.changes || []), ...more.list].filter((c) => !seen.has(c.name) && seen.add(c.name));
  const isNew = new Set(news.map((c) => c.name));
  const set = (name) => (e) => setTyped({ ...typed, [name]: e.target.value });
  const select = (name, label, empty, options) => html`<${Field} label=${label}>${(a) => html`<select ...${a} value=${typed[name]} onChange=${set(name)}>
    <option value="">${empty}</option>${Object.entries(options).map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select>`}<//>`;
  const others = html`
      ${select("cause", "Cause", "Every cause", Object.fromEntries(Object.entries(causes).map(([k, v]) => [k, sentence(v).slice(0, -1)])))}
      ${select("source", "Came from", "Both sides", { DATABASE: "The database", SHEET: "The sheet" })}
      <${Field} label="Who" hint="As it stands at a change, such as token:ops.">${(a) => html`<input ...${a} autocomplete="off" value=${typed.actor} onInput=${set("actor")} />`}<//>
      <${Field} label="Since">${(a) => html`<input ...${a} type="datetime-local" step="1" value=${typed.since} onInput=${set("since")} />`}<//>`;
  const wide = useMemo(() => matchMedia("(min-width: 700px)").matches, []), rowError = first.error?.of?.("row");
  return html`<section aria-labelledby="sync-history">
    <h2 id="sync-history" class="hidden-label">History</h2>
    <form class="sync-filter" role="search" onSubmit=${(e) => { e.preventDefault(); setFilter(typed); }}>
      <${Field} label="Row" error=${rowError && sentence(rowError)}>${(a) => html`<input ...${a} type="search" placeholder=${`the whole key: ${(link.key || ["id"]).join("~")}`} autocomplete="off" value=${typed.row} onInput=${set("row")} />`}<//>
      ${wide ? others : html`<${Aside} title="More filters" open=${[typed.cause, typed.source, typed.actor, typed.since].some(Boolean)}>${others}<//>`}
    </form>
    <div class="row sync-bar">
      <span class="grow dim" role="status">${first.data ? `${list.length}${token ? " or more" : ""} ${list.length === 1 ? "change" : "changes"}${active ? " found" : ""}` : ""}</span>
      ${active && html`<${Button} kind="small" onClick=${() => { setTyped(nothing); setFilter(nothing); }}>Clear the filter<//>`}
      ${may("EDITOR") && html`<${Button} onClick=${() => setUndo({ scope: "since", since: filter.since || local(Date.now() - 3600e3) })}>Undo since a moment…<//>`}
    </div>
    ${!rowError && html`<${Problem} error=${first.error} retry=${first.reload} />`}
    ${!first.data && first.loading && html`<${Skeleton} />`}
    ${first.data && !list.length && !first.error && (active
      ? html`<${Empty} title="No change fits"><p>The row is searched by its whole key. Take away some of the filter to find more.</p><//>`
      : html`<${Empty} title="No changes yet"><p>Every change that is carried from one side to the other is listed here, and can be undone.</p><//>`)}
    <ol class="sync-changes">${list.map((c) => html`<${ChangeLine} key=${c.name} change=${c} link=${link} fresh=${isNew.has(c.name)} undo=${setUndo} find=${(row) => setTyped({ ...nothing, row })} />`)}</ol>
    <${Problem} error=${act.error} />
    ${token && html`<${Button} busy=${act.busy} onClick=${next}>Show older changes<//>`}
    ${undo && html`<${Undo} path=${path} start=${undo} filter=${active ? filter : null} onClose=${() => setUndo(null)} onDone=${() => { first.reload(); reload(); }} />`}
  </section>`;
}

function ChangeLine({ change: c, link, fresh, undo, find }) {
  const [word, badge] = kinds[c.kind] || ["looked at", ""];
  return html`<li class=${fresh ? "changed" : ""}>
    <div class="sync-when"><${Time} at=${c.applyTime} /></div>
    <div class="sync-row"><button type="button" class="sync-link" aria-label=${`Only changes of row ${c.key}`} onClick=${() => find(c.key)}>${c.key}</button> <${Badge} kind=${badge}>${word}<//></div>
    <div class="sync-what"><${What} change=${c} link=${link} />
      <div class="dim">${side(c.source)} → ${side(otherSide[c.source])} · ${causes[c.cause] || "unknown cause"}${c.actor ? ` · ${c.actor}` : ""}${c.settled ? ` · settled: ${side(c.settled.winner) ? `the ${side(c.settled.winner)} won` : "another value"}${(c.settled.columns || []).length ? ` in ${c.settled.columns.join(", ")}` : ""}` : ""}</div>
    </div>
    ${may("EDITOR") ? html`<div class="sync-undo"><${Button} kind="small" aria-label=${`Undo: row ${c.key} ${word}`} onClick=${() => undo({ scope: "change", change: c })}>Undo…<//></div>` : html`<div></div>`}
  </li>`;
}

// What shows what a change did to the row, in the order of the link's columns; the key stands beside it already.
function What({ change: c, link }) {
  const [all, setAll] = useState(false), before = c.before || {}, values = (c.kind === "DELETE" ? c.before : c.after) || {};
  const place = new Map(link.columns.map(({ column }, i) => [column, i])), at = (name) => place.get(name) ?? place.size;
  const names = Object.keys(values).filter((name) => (c.kind === "UPDATE" ? name in before && !same(before[name], values[name]) : !(link.key || []).includes(name))).sort((a, b) => at(a) - at(b));
  if (!names.length) return html`<span class="dim">${c.kind === "UPDATE" ? "the same values" : ""}</span>`;
  const most = all ? Infinity : room, cut = names.slice(0, 6).some((name) => [before[name], values[name]].some((v) => String(v ?? "").length > room));
  return html`<span class="sync-pairs">${(all ? names : names.slice(0, 6)).map((name) => html`<span key=${name}><span class="dim">${name}</span> ${c.kind === "UPDATE" ? html`<${Value} value=${before[name]} most=${most} /> → ` : ""}<${Value} value=${values[name]} most=${most} /></span>`)}
    ${(names.length > 6 || cut) && !all && html`<button type="button" class="sync-link" onClick=${() => setAll(true)}>${cut ? "Show all of it" : `${names.length - 6} more`}</button>`}</span>`;
}

// byReason gathers the rows that were refused for the same reason: the message names the row, which stands beside it.
function byReason(results) {
  const groups = new Map();
  for (const { key, error } of results) {
    const named = `the row ${JSON.stringify(key)} was left as it is: `;
    const reason = error.message.startsWith(named) ? error.message.slice(named.length) : error.message;
    groups.set(reason, [...(groups.get(reason) || []), key]);
  }
  return [...groups];
}

// Undo asks what is undone, shows what would become of it, and does it.
function Undo({ path, start, filter, onClose, onDone }) {
  const c = start.change;
  const [scope, setScope] = useState(start.scope), [since, setSince] = useState(c ? "" : start.since);
  const [force, setForce] = useState(false), [within, setWithin] = useState(true), [result, setResult] = useState(null);
  const body = () => {
    if (scope === "change") return { changes: [c.name] };
    if (scope === "row") return { row: c.row };
    const moment = c ? c.applyTime : since && new Date(since).toISOString();
    if (!moment) return null;
    const limits = filter && within ? Object.fromEntries(Object.entries(asked({ ...filter, since: "" })).filter(([, value]) => value)) : {};
    return { ...limits, since: moment };
  };
  const tried = useLoad(async () => {
    const request = body();
    if (!request) return null;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return post(`${path}:revert`, { ...request, force, validateOnly: true });
  }, [scope, since, force, within]);
  const act = useAct();
  const run = () => act.act(async () => {
    const done = await post(`${path}:revert`, { ...body(), force });
    setResult(done);
    onDone();
    if (!done.refusedCount) {
      onClose();
      toast(done.revertedCount ? `${count(done.revertedCount, "row")} put back in the database; the sheet follows.` : "Nothing was left to undo.");
    }
  });
  const shown = result || tried.data, refused = (shown?.results || []).filter((r) => r.error);
  const radio = (value, label) => html`<label class="sync-check"><input type="radio" name="undo-scope" checked=${scope === value} onChange=${() => { setScope(value); setForce(false); }} /><span>${label}</span></label>`;
  const ready = !tried.loading && !tried.error && Number(tried.data?.revertedCount) > 0;
  return html`<${Dialog} title=${result ? "Undone, as far as it went" : "Undo"} onClose=${onClose} foot=${result
    ? html`<${Button} kind="primary" onClick=${onClose}>Close<//>`
    : html`<${Button} onClick=${onClose}>Cancel<//><${Button} kind="primary" busy=${act.busy} disabled=${!ready} onClick=${run}>${ready ? `Undo ${count(tried.data.revertedCount, "row")}` : "Undo"}<//>`}>
    ${!result && html`
      ${c ? html`<fieldset class="sync-choose"><legend class="hidden-label">What is undone</legend>
        ${radio("change", "This change alone")}
        ${radio("row", `All changes of row ${c.key}`)}
        ${radio("since", html`Everything since this change, <${Time} at=${c.applyTime} />`)}</fieldset>`
        : html`<${Field} label="Undo everything since" hint="Changes of all rows from this moment on.">${(a) => html`<input ...${a} type="datetime-local" step="1" value=${since} onInput=${(e) => setSince(e.target.value)} />`}<//>`}
      ${scope === "since" && filter && html`<label class="sync-check"><input type="checkbox" checked=${within} onChange=${(e) => setWithin(e.target.checked)} /><span>Only changes that fit the filter of the list</span></label>`}`}
    <div class="sync-outcome" role="status">
      ${!result && tried.loading && !tried.data && html`<p class="dim">Looking what would happen…</p>`}
      ${shown && !(tried.error && !result) && html`<p>${[
        Number(shown.revertedCount) > 0 && `${count(shown.revertedCount, "row")} ${result ? (Number(shown.revertedCount) === 1 ? "was" : "were") + " put back" : "will be put back"} as before.`,
        Number(shown.unchangedCount) > 0 && `${count(shown.unchangedCount, "row holds", "rows hold")} the former values already.`,
        Number(shown.refusedCount) > 0 && `${count(shown.refusedCount, "row")} ${result ? "stayed as they are" : "cannot be undone"}, for the reasons below.`,
        !Number(shown.revertedCount) && !Number(shown.unchangedCount) && !Number(shown.refusedCount) && "There is nothing to undo.",
      ].filter(Boolean).join(" ")}</p>`}
      ${refused.length > 0 && html`<ul class="sync-lines">${byReason(refused).map(([reason, keys]) => html`<li key=${reason}><strong>${keys.length === 1 ? "Row" : "Rows"} ${keys.slice(0, 20).join(", ")}${keys.length > 20 ? ` and ${(keys.length - 20).toLocaleString()} more` : ""}:</strong> ${sentence(reason)}</li>`)}</ul>`}
    </div>
    ${!result && (refused.length > 0 || force) && html`<label class="sync-check"><input type="checkbox" checked=${force} onChange=${(e) => setForce(e.target.checked)} /><span>Force it: undo also where something newer is lost by it, and leave out cells that cannot be written.</span></label>`}
    ${!result && html`<${Problem} error=${tried.error} retry=${tried.reload} />`}
    <${Problem} error=${act.error} />
  <//>`;
}
