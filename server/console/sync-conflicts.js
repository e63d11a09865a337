// Conflicts: what both sides agreed on, what each has now, and the choice.
import { html, useState, useEffect, useLoad, useAct, Button, Dialog, Problem, Skeleton, Empty, Badge, Time, count, toast } from "./ui.js";
import { get, post } from "./api.js";
import { may } from "./session.js";
import { brief } from "./rows-values.js";
import { Value, Aside, side, otherSide, sentence, valueOf, same, useEvery } from "./sync-words.js";

export function Conflicts({ link, id, reload }) {
  const [shown, setShown] = useState(50), [all, setAll] = useState("");
  const conflicts = useLoad(() => get(`/v1/links/${id}/conflicts`, { pageSize: shown }), [id, shown]);
  const table = useLoad(() => get(`/v1/tables/${encodeURIComponent(link.table)}`), [link.table]);
  const total = Number(link.status?.conflicts || 0), list = conflicts.data?.conflicts || [];
  useEffect(() => { conflicts.data && conflicts.reload(); }, [total]);
  useEvery(list.some((c) => c.resolving) ? 1000 : 5000, conflicts.reload);
  const kinds = Object.fromEntries((table.data?.columns || []).map((c) => [c.name, c]));
  const settled = () => {
    conflicts.reload();
    reload();
  };
  const act = useAct();
  const settleAll = () => act.act(async () => {
    const answer = await post(`/v1/links/${id}/conflicts:batchResolve`, { all: true, take: all });
    setAll("");
    toast(`${count(answer.resolvedCount, "conflict")} decided for the ${side(all)}.`);
    settled();
  });
  return html`<section aria-labelledby="sync-conflicts">
    <h2 id="sync-conflicts" class="hidden-label">Conflicts</h2>
    <${Problem} error=${conflicts.error} retry=${conflicts.reload} />
    ${!conflicts.data && conflicts.loading && html`<${Skeleton} />`}
    ${conflicts.data && !list.length && html`<${Empty} title="No conflicts"><p>Where both sides change the same cell and the link leaves it to people, both values wait here. Nothing is overwritten meanwhile.</p><//>`}
    ${list.length > 1 && may("EDITOR") && html`<div class="row sync-bar sync-takes">
      <span class="grow">Settle all ${count(Math.max(total, list.length), "conflict")} at once:</span>
      <${Button} onClick=${() => setAll("DATABASE")}>All from database<//><${Button} onClick=${() => setAll("SHEET")}>All from sheet<//></div>`}
    <ul class="sync-cards">${list.map((c) => html`<${ConflictCard} key=${c.name} conflict=${c} kinds=${kinds} settled=${settled} />`)}</ul>
    ${conflicts.data?.nextPageToken && shown < 1000 && html`<${Button} busy=${conflicts.loading} onClick=${() => setShown(shown + 50)}>Show more<//>`}
    ${all && html`<${Dialog} title=${`Settle all conflicts with the ${side(all)}?`} onClose=${() => setAll("")} foot=${html`
      <${Button} onClick=${() => setAll("")}>Cancel<//><${Button} kind="primary" busy=${act.busy} onClick=${settleAll}>Take the ${side(all)} for all<//>`}>
      <p>In every open conflict of this link the value of the ${side(all)} stands, also in those that are not shown. The value of the ${side(otherSide[all])} is overwritten; history keeps it.</p>
      <${Problem} error=${act.error} /><//>`}
  </section>`;
}

// When says when and by whom a side was changed.
function When({ conflict: c, of }) {
  const who = of === "DATABASE" ? c.databaseActor : c.sheetActor;
  const from = c.sheetStartTime, until = c.sheetEndTime;
  const time = of === "DATABASE"
    ? c.databaseTime && html`<${Time} at=${c.databaseTime} />`
    : from && until && from !== until ? html`between <${Time} at=${from} /> and <${Time} at=${until} />` : (until || from) && html`<${Time} at=${until || from} />`;
  return html`<span class="dim">${c.deletedOn === of ? "deleted" : "changed"} ${time || "at an unknown time"}${who ? html` by ${who}` : ""}</span>`;
}

function ConflictCard({ conflict: c, kinds, settled }) {
  const [choices, setChoices] = useState({}), [wrong, setWrong] = useState({}), [open, setOpen] = useState(false);
  const act = useAct();
  const columns = c.columns || [], deleted = side(c.deletedOn) ? c.deletedOn : "";
  const resolve = (body, said) => act.act(async () => {
    try {
      await post(`/v1/${c.name}:resolve`, { etag: c.etag, ...body });
    } catch (error) {
      if (error.status === 412) error.message = "The row changed while you looked at it. The values shown are the ones of now: look again, then decide.";
      if (error.status === 404) error.message = "This conflict is settled already.";
      if (error.status === 412 || error.status === 404) settled();
      throw error;
    }
    toast(said);
    settled();
  });
  const one = (take) => resolve({ take }, deleted
    ? take === deleted ? `Row ${c.key} is deleted on both sides.` : `Row ${c.key} stays, on both sides.`
    : `Row ${c.key}: both sides get the value of the ${side(take)}.`);
  const chosen = columns.filter((column) => choices[column.column]);
  const byColumn = () => {
    const body = {}, bad = {};
    for (const { column } of chosen) {
      const choice = choices[column];
      try {
        body[column] = choice.take ? { take: choice.take } : { value: choice.empty ? null : valueOf(kinds[column]?.kind, choice.text) };
      } catch (error) {
        bad[column] = error.message;
      }
    }
    setWrong(bad);
    if (!Object.keys(bad).length) resolve({ columns: body }, `Row ${c.key}: ${count(chosen.length, "column")} decided.`);
  };
  const choose = (column, choice) => setChoices((now) => ({ ...now, [column]: choice }));
  const title = c.databaseValues || c.sheetValues || {};
  const name = Object.entries(title).find(([column, value]) => kinds[column]?.kind === "TEXT" && !kinds[column].keyPosition && value && !columns.some((x) => x.column === column));
  const busy = act.busy || c.resolving;
  return html`<li class="panel" aria-labelledby=${`conflict-${c.name}`}>
    <div class="sync-title"><h3 id=${`conflict-${c.name}`}>Row ${c.key}${name ? html` <span class="dim">${brief(String(name[1]), 60)}</span>` : ""}</h3>
      ${c.resolving ? html`<${Badge} kind="info">being settled<//>` : deleted ? html`<${Badge} kind="warn">deleted in the ${side(deleted)}<//>` : html`<${Badge} kind="warn">${count(columns.length, "column")}<//>`}</div>
    ${c.reason && html`<p class="dim">${sentence(c.reason)}</p>`}
    <p class="sync-whens"><span><strong>Database</strong> <${When} conflict=${c} of="DATABASE" /></span><span><strong>Sheet</strong> <${When} conflict=${c} of="SHEET" /></span></p>
    ${deleted
      ? html`<p>The row was deleted in the ${side(deleted)}, and changed in the ${side(otherSide[deleted])}:</p><${Whole} conflict=${c} />`
      : columns.map((column) => html`<div class="sync-cell" key=${column.column}>
          <div class="sync-cell-name">${column.column}</div>
          <div><span class="sync-label">Agreed before</span><${Value} value=${column.base} /></div>
          <div class="sync-database"><span class="sync-label">Database</span><${Value} value=${column.database} /></div>
          <div class="sync-sheet"><span class="sync-label">Sheet</span><${Value} value=${column.sheet} /></div>
          ${open && html`<${Choose} column=${column} kind=${kinds[column.column]} choice=${choices[column.column]} wrong=${wrong[column.column] || act.error?.of?.(`columns["${column.column}"]`)} set=${(choice) => choose(column.column, choice)} />`}
        </div>`)}
    <${Problem} error=${act.error} />
    ${may("EDITOR") && html`<div class="row sync-foot sync-takes">
      ${deleted ? html`
        <${Button} disabled=${c.resolving} busy=${act.busy} onClick=${() => one(otherSide[deleted])}>Keep the row<//>
        <${Button} kind="danger" disabled=${busy} onClick=${() => one(deleted)}>Delete the row<//>` : html`
        <${Button} disabled=${busy} aria-label=${`Take database for row ${c.key}`} onClick=${() => one("DATABASE")}>Take database<//>
        <${Button} disabled=${busy} aria-label=${`Take sheet for row ${c.key}`} onClick=${() => one("SHEET")}>Take sheet<//>
        ${open ? html`<${Button} kind="primary" disabled=${!chosen.length || c.resolving} busy=${act.busy} onClick=${byColumn}>Settle ${chosen.length === columns.length ? "as chosen" : `${chosen.length} of ${columns.length} columns`}<//><${Button} onClick=${() => setOpen(false)}>Close<//>`
          : html`<${Button} disabled=${busy} aria-expanded="false" onClick=${() => setOpen(true)}>${columns.length > 1 ? "Column by column…" : "Another value…"}<//>`}`}
    </div>`}
    ${!deleted && html`<${Aside} title="The whole row"><${Whole} conflict=${c} /><//>`}
  </li>`;
}

// Whole shows the linked columns of a row, as both sides have it.
function Whole({ conflict: c }) {
  const names = [...new Set([c.baseValues, c.databaseValues, c.sheetValues].flatMap((values) => Object.keys(values || {})))];
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`The whole row ${c.key}`}><table><thead><tr><th scope="col">Column</th><th scope="col">Agreed before</th><th scope="col">Database</th><th scope="col">Sheet</th></tr></thead>
    <tbody>${names.map((name) => {
      const differs = !same(c.databaseValues?.[name], c.sheetValues?.[name]);
      return html`<tr key=${name} class=${differs ? "sync-differs" : ""}><th scope="row">${name}</th><td><${Value} value=${c.baseValues?.[name]} /></td><td><${Value} value=${c.databaseValues?.[name]} /></td><td><${Value} value=${c.sheetValues?.[name]} /></td></tr>`;
    })}</tbody></table></div>`;
}

function Choose({ column: { column, database, sheet }, kind, choice, wrong, set }) {
  const own = choice && !choice.take, name = `choice-${column}-${kind?.keyPosition ?? ""}`;
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  const begin = { text: kind?.kind === "BOOLEAN" ? String(database === true) : text(sheet ?? database), empty: false };
  const radio = (label, checked, value) => html`<label class="sync-check"><input type="radio" name=${name} checked=${checked} onChange=${() => set(value)} /><span>${label}</span></label>`;
  return html`<fieldset class="sync-choose"><legend class="hidden-label">What ${column} becomes</legend>
    ${radio("Database", choice?.take === "DATABASE", { take: "DATABASE" })}
    ${radio("Sheet", choice?.take === "SHEET", { take: "SHEET" })}
    ${radio("Another value", own, begin)}
    ${own && html`<div class="row">
      ${kind?.kind === "BOOLEAN" || kind?.kind === "ENUM"
        ? html`<select aria-label=${`Value for ${column}`} disabled=${choice.empty} value=${choice.text} onChange=${(e) => set({ ...choice, text: e.target.value })}>
            ${(kind.kind === "ENUM" ? kind.enumValues : ["true", "false"]).map((v) => html`<option key=${v} value=${v}>${v}</option>`)}</select>`
        : html`<input class="grow" aria-label=${`Value for ${column}`} aria-invalid=${wrong ? "true" : undefined} disabled=${choice.empty} value=${choice.text} inputmode=${["INTEGER", "FLOAT", "YEAR", "BIGINT", "DECIMAL"].includes(kind?.kind) ? "decimal" : undefined}
            type=${kind?.kind === "DATE" ? "date" : "text"} onInput=${(e) => set({ ...choice, text: e.target.value })} />`}
      ${(kind?.nullable ?? true) && html`<label class="sync-check"><input type="checkbox" checked=${choice.empty} onChange=${(e) => set({ ...choice, empty: e.target.checked })} /><span>empty</span></label>`}
    </div>`}
    ${wrong && html`<div class="error-text" role="alert">${sentence(wrong)}</div>`}
  </fieldset>`;
}
