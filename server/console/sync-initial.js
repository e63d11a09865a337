// The initial sync: plan first, look at it, apply it, see how far it is.
import { html, useState, useEffect, useRef, useCallback, useAct, Button, Problem, Skeleton, Field, Time, count, span, toast } from "./ui.js";
import { get, post, until } from "./api.js";
import { may } from "./session.js";
import { Value, room, Aside, were, sentence, plainly } from "./sync-words.js";

const phases = {
  WAITING: "Waiting for its turn",
  SCANNING: "Reading both sides",
  COMPARING: "Comparing row by row",
  WRITING: "Writing to both sides",
  DONE: "Finished",
};

// useOperation follows a long-running operation, over breaks of the connection too: {operation, trouble, follow, clear}.
export function useOperation() {
  const [operation, set] = useState(null), [trouble, setTrouble] = useState(null);
  const watcher = useRef(null);
  const follow = useCallback((name) => {
    watcher.current?.stop();
    const mine = until(name, (now) => {
      set(now);
      setTrouble(null);
    });
    watcher.current = mine;
    mine.done.catch((error) => {
      if (watcher.current !== mine) return;
      setTrouble(error);
      if (error.status === 0 || error.status >= 500) setTimeout(() => watcher.current === mine && follow(name), 2000);
    });
  }, []);
  const stop = () => {
    watcher.current?.stop();
    watcher.current = null;
  };
  useEffect(() => stop, []);
  const clear = () => {
    stop();
    set(null);
    setTrouble(null);
  };
  return { operation, trouble, follow, set, clear };
}

// Progress shows a running initial sync.
export function Progress({ operation, what, onCancel, cancelling }) {
  const at = operation?.metadata || {}, done = Number(at.rowsDone || 0), total = Number(at.rowsTotal || 0);
  const rate = Number(at.rowsPerSecond || 0), calls = at.apiCalls || {};
  const left = at.estimatedEndTime ? (Date.parse(at.estimatedEndTime) - Date.now()) / 1000 : 0;
  const phase = phases[at.phase] || phases.WAITING;
  return html`<div class="sync-progress">
    <p role="status"><strong>${what}.</strong> ${phase}…</p>
    <progress aria-label=${phase} ...${total ? { value: Math.min(done, total), max: total } : {}}></progress>
    <p class="dim sync-numbers">${[
      total ? `${done.toLocaleString()} of ${count(total, "row")}` : done ? count(done, "row") : "beginning",
      rate > 0 && `${rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString()} rows a second`,
      left > 0 && `about ${span(left)} left`,
      `${count(calls.reads || 0, "read")} and ${count(calls.writes || 0, "write")} at Google`,
    ].filter(Boolean).join(" · ")}</p>
    ${onCancel && html`<${Button} busy=${cancelling} onClick=${onCancel}>Cancel<//>`}
  </div>`;
}

// groups are the counts of a plan by where they write: [count, kind of example, words before, words after].
const groups = [
  ["In the database", [
    ["insertDatabase", "INSERT_DATABASE", "will be added", (n) => `${were(n)} added`],
    ["updateDatabase", "UPDATE_DATABASE", "will be changed", (n) => `${were(n)} changed`],
    ["deleteDatabase", "DELETE_DATABASE", "will be deleted", (n) => `${were(n)} deleted`],
  ]],
  ["In the sheet", [
    ["insertSheet", "INSERT_SHEET", "will be added", (n) => `${were(n)} added`],
    ["updateSheet", "UPDATE_SHEET", "will be changed", (n) => `${were(n)} changed`],
    ["deleteSheet", "DELETE_SHEET", "will be deleted", (n) => `${were(n)} deleted`],
  ]],
  ["Left as they are", [
    ["equal", "EQUAL", (n) => (n === 1 ? "is equal already" : "are equal already"), (n) => `${were(n)} equal already`],
    ["conflicts", "CONFLICT", (n) => `${n === 1 ? "differs and waits" : "differ and wait"} for your decision`],
    ["refused", "REFUSED", () => "cannot be carried over"],
    ["skipped", "SKIPPED", (n) => `changed after the plan was made, and ${n === 1 ? "is" : "are"} left for later`],
  ]],
  ["Where both sides differed", [
    ["settledDatabaseWon", "SETTLED_DATABASE_WON", (n) => `${n === 1 ? "takes" : "take"} the database's values`, (n) => `took the database's values`],
    ["settledSheetWon", "SETTLED_SHEET_WON", (n) => `${n === 1 ? "takes" : "take"} the sheet's values`, (n) => `took the sheet's values`],
  ]],
];

// Plan shows what an initial sync would do or, when it is done, what it did.
export function Plan({ response, done }) {
  const counts = response.counts || {};
  return html`<div class="sync-plan">${groups.map(([title, lines]) => {
    const some = lines.filter(([name]) => Number(counts[name] || 0) > 0);
    if (!some.length && !title.startsWith("In ")) return null;
    return html`<div key=${title}><h3>${title}</h3>
      ${!some.length && html`<p class="dim">Nothing</p>`}
      ${some.map(([name, kind, before, after]) => {
        const n = Number(counts[name]), words = done && after ? after : before;
        const text = html`<strong>${n.toLocaleString()}</strong> ${n === 1 ? "row" : "rows"} ${typeof words === "function" ? words(n) : words}`;
        const examples = (response.examples || []).filter((e) => e.kind === kind);
        return examples.length
          ? html`<${Aside} key=${name} title=${html`<span>${text}</span>`}><${Examples} list=${examples} all=${n} /><//>`
          : html`<p key=${name} class="sync-line">${text}</p>`;
      })}
      ${title === "In the sheet" && Number(counts.updateSheet) > Number(counts.settledDatabaseWon || 0) && (Number(counts.insertDatabase) > 0 || Number(counts.updateDatabase) > 0) && html`
        <p class="dim">Changed are also rows that the database ${done ? "took" : "takes"} from the sheet, where it fills in a value itself, such as the date of the change.</p>`}</div>`;
  })}</div>`;
}

function Examples({ list, all }) {
  return html`<ul class="sync-examples" tabindex="0" aria-label="Examples">${list.map((e, i) => html`<li key=${i}><strong>${e.key || "no key"}</strong> <${Example} example=${e} /></li>`)}</ul>
    ${all > list.length && html`<p class="dim">These are ${list.length} of ${all.toLocaleString()}.</p>`}`;
}

function Example({ example: e }) {
  const database = e.databaseValues, sheet = e.sheetValues;
  if (e.kind === "REFUSED" || (e.message && !(e.columns || []).length)) return html`<span>${sentence(plainly(e.message))}</span>`;
  if (!(e.columns || []).length || !database || !sheet) {
    const values = database || sheet || {};
    return html`<span class="sync-pairs">${Object.entries(values).slice(0, 6).map(([name, value]) => html`<span key=${name}><span class="dim">${name}</span> <${Value} value=${value} most=${room} /></span>`)}</span>`;
  }
  const [old, now] = e.kind === "UPDATE_DATABASE" ? [database, sheet] : [sheet, database];
  return html`<span class="sync-pairs">${e.columns.map((name) => html`<span key=${name}><span class="dim">${name}</span> ${e.kind.startsWith("UPDATE_")
    ? html`<${Value} value=${old[name]} most=${room} /> → <${Value} value=${now[name]} most=${room} />`
    : html`<span class="dim">database</span> <${Value} value=${database[name]} most=${room} />, <span class="dim">sheet</span> <${Value} value=${sheet[name]} most=${room} />`}</span>`)}
    ${e.message && html`<span class="dim">${sentence(e.message)}</span>`}</span>`;
}

// latest finds the operation of a link that matters when the page is opened: the one that runs, or the last.
const latest = async (id) => ((await get("/v1/operations", { pageSize: 1, filter: `link = "links/${id}"` })).operations || [])[0];

// kindOf says what an operation that was begun before is: a plan can still be applied for a while.
const kindOf = ({ done, response, metadata: at = {} }) => {
  if (!done) return at.validateOnly ? "plan" : at.plan ? "apply" : "running";
  return at.validateOnly && response?.plan && Date.now() - Date.parse(at.startTime || 0) < 3600e3 ? "plan" : "last";
};

export function InitialSync({ link, id, reload }) {
  const { operation, trouble, follow, set, clear } = useOperation();
  const [kind, setKind] = useState(""); // what the operation is: "plan", "apply", or "last", which ended before the page was opened
  const [options, setOptions] = useState({ preferredSource: "", discardBaseline: false });
  const act = useAct(), cancel = useAct(), [looked, setLooked] = useState(false);
  const first = link.state === "INITIAL_SYNC";
  useEffect(() => {
    if (first && operation && !operation.done) return undefined;
    let gone = false;
    latest(id).then((last) => {
      if (gone) return;
      setLooked(true);
      if (!last || (looked && last.done)) return;
      const is = kindOf(last);
      if (is === "last" && last.metadata?.validateOnly) return; // an old plan did nothing
      setKind(is);
      if (last.done) set(last);
      else follow(last.name);
    }, () => gone || setLooked(true));
    return () => { gone = true; };
  }, [id, first]);
  const running = operation && !operation.done;
  useEffect(() => {
    if (operation?.done && kind !== "last") reload();
  }, [operation?.done]);

  const start = (what, body) => act.act(async () => {
    const made = await post(`/v1/links/${id}:initialSync`, body);
    setKind(what);
    set(made);
    follow(made.name);
  });
  const plan = () => start("plan", { validateOnly: true, ...(options.preferredSource && { preferredSource: options.preferredSource }), ...(options.discardBaseline && { discardBaseline: true }) });
  const apply = (planId) => start("apply", { plan: planId });
  const stop = () => cancel.act(async () => {
    await post(`/v1/${operation.name}:cancel`);
    toast("Cancelled. What is written already stays, and the next run goes on from there.");
  });
  const failed = operation?.done && operation.error, response = operation?.done && operation.response;
  const can = may("ADMIN") && link.state !== "HALTED";
  const asked = html`<${Aside} title="Options for this run">
    <${Field} label="Where rows differ and no change time decides" hint="For this run only.">${(a) => html`<select ...${a} value=${options.preferredSource} onChange=${(e) => setOptions({ ...options, preferredSource: e.target.value })}>
      <option value="">As the link says: the ${link.preferredSource === "SHEET" ? "sheet" : "database"} wins</option><option value="DATABASE">The database wins</option><option value="SHEET">The sheet wins</option></select>`}<//>
    <label class="sync-check"><input type="checkbox" checked=${options.discardBaseline} onChange=${(e) => setOptions({ ...options, discardBaseline: e.target.checked })} />
      <span>Start over: forget what both sides agreed on before.<span class="hint"> A row that stands on one side only then counts as new, not as deleted on the other.</span></span></label>
  <//>`;
  return html`<section class="panel" aria-labelledby="sync-initial">
    <div class="sync-title"><h2 id="sync-initial">Initial sync</h2></div>
    <${Problem} error=${act.error} /><${Problem} error=${cancel.error} />
    ${trouble && html`<${Problem} error=${trouble} />`}
    ${running && html`<${Progress} operation=${operation} what=${kind === "plan" ? "Making the plan" : kind === "apply" ? "Applying the plan" : "An initial sync runs"} onCancel=${may("ADMIN") ? stop : null} cancelling=${cancel.busy} />`}
    ${!running && failed && (failed.code === 1
      ? html`<p class="sync-note" role="status">The run was cancelled. What was written before that stays; the next run goes on from there.</p>`
      : html`<div class="problem" role="alert"><p>${sentence(plainly(failed.message))}</p></div>`)}
    ${!running && response && kind === "plan" && html`
      <p class="sync-lead">This is the plan. Nothing has been changed yet.</p>
      <${Plan} response=${response} />
      <p class="dim">Made <${Time} at=${operation.metadata?.startTime} />. Rows that change before you apply it are skipped, and follow by themselves later.</p>
      ${can && html`<div class="row"><${Button} kind="primary" busy=${act.busy} onClick=${() => apply(response.plan)}>Apply this plan<//><${Button} disabled=${act.busy} onClick=${plan}>Plan again<//><${Button} disabled=${act.busy} onClick=${clear}>Put the plan away<//></div>`}`}
    ${!running && response && kind !== "plan" && html`
      <p class="sync-lead">${kind === "last" ? html`The last run began <${Time} at=${operation.metadata?.startTime} />.` : "Done."} ${response.duration ? `It took ${span(parseFloat(response.duration))} and ${count(response.apiCalls?.reads || 0, "read")} and ${count(response.apiCalls?.writes || 0, "write")} at Google.` : ""}</p>
      ${kind === "last" ? html`<${Aside} title="What it did" open=${Date.now() - Date.parse(operation.metadata?.startTime || 0) < 120e3}><${Plan} response=${response} done=${true} /><//>` : html`<${Plan} response=${response} done=${true} />`}`}
    ${!looked && !operation && html`<${Skeleton} lines=${3} />`}
    ${(looked || operation) && !running && !(response && kind === "plan") && html`
      ${!operation && html`<p class="dim">Compares all rows of both sides and brings them in step. First comes a plan: it shows what would be written where, and changes nothing.</p>`}
      ${can ? html`${asked}<${Button} kind=${link.state === "NEW" ? "primary" : ""} busy=${act.busy} onClick=${plan}>Plan the initial sync<//>`
        : html`<p class="dim">${link.state === "HALTED" ? "Decide about the halt first." : "An admin can run it."}</p>`}`}
  </section>`;
}
