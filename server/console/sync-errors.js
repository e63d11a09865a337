// Rows that one side refuses: what, where, and what to do.
import { html, useState, useEffect, useLoad, Button, Problem, Skeleton, Empty, Badge, Time, to } from "./ui.js";
import { get } from "./api.js";
import { sheetAddress } from "./session.js";
import { side, otherSide, sentence, useEvery } from "./sync-words.js";

// about leaves out of a message the name of the column, which stands above it already.
const about = (e) => sentence(e.column && e.message.startsWith(`${e.column}: `) ? e.message.slice(e.column.length + 2) : e.message);

// advice says where to correct a row.
function advice(e) {
  if (!e.key) return "In the sheet, give the row a key of its own, or delete it.";
  const where = e.column ? `the value of ${e.column}` : "the row";
  return e.source === "SHEET" ? `Correct ${where} in the sheet; or delete the row there, if it is not meant to be.` : `Correct ${where} in the database, so that the sheet can hold it.`;
}

// only is the address of the rows of a side, narrowed down to one.
function only(link, id, e) {
  const rows = to("links", id, "rows", side(e.source));
  return (link.key || []).length === 1 ? `${rows}?${new URLSearchParams({ f: JSON.stringify([link.key[0], "=", e.key]) })}` : rows;
}

export function RowErrors({ link, id }) {
  const [shown, setShown] = useState(50);
  const errors = useLoad(() => get(`/v1/links/${id}/rowErrors`, { pageSize: shown }), [id, shown]);
  const total = Number(link.status?.rowErrors || 0);
  useEffect(() => { errors.data && errors.reload(); }, [total]);
  useEvery(10000, errors.reload);
  const list = errors.data?.rowErrors || [];
  return html`<section aria-labelledby="sync-errors">
    <h2 id="sync-errors" class="hidden-label">Row errors</h2>
    <${Problem} error=${errors.error} retry=${errors.reload} />
    ${!errors.data && errors.loading && html`<${Skeleton} />`}
    ${errors.data && !list.length && html`<${Empty} title="No row errors"><p>A row that one side refuses shows here, with the reason. It holds up no other row.</p><//>`}
    ${list.length > 0 && html`<p class="dim">Each row is tried again by itself as soon as it is changed. Other rows go on meanwhile.</p>`}
    <ul class="sync-cards">${list.map((e) => {
      const key = e.key, other = side(otherSide[e.source]);
      return html`<li key=${`${e.source} ${e.row} ${e.position} ${e.column}`} class="panel">
        <div class="sync-title">
          <h3>${key ? `Row ${key}` : e.position ? `Row ${e.position} of the sheet` : "A row without a key"}${e.column ? `, column ${e.column}` : ""}</h3>
          <${Badge} kind="warn">${key ? `refused by the ${other}` : "no usable key"}<//>
        </div>
        <p class="sync-message">${about(e)}</p>
        <p>${advice(e)}</p>
        <div class="row sync-foot">
          <span class="dim">typed in the ${side(e.source)}${e.position ? `, row ${e.position}` : ""} · since <${Time} at=${e.time} /></span>
          ${key && html`<a class="button small" href=${only(link, id, e)}>Show the row</a>`}
          ${e.source === "SHEET" && html`<a class="button small" href=${sheetAddress(link, e.position)} target="_blank" rel="noreferrer">Open in Google Sheets ↗</a>`}
        </div>
      </li>`;
    })}</ul>
    ${errors.data?.nextPageToken && shown < 1000 && html`<${Button} busy=${errors.loading} onClick=${() => setShown(shown + 50)}>Show more<//>`}
  </section>`;
}
