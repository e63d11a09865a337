// Columns of a table beside headers of a tab: how they pair, and the editor for it.
import { html, Badge } from "./ui.js";
import { owners, policies } from "./sync-words.js";
import { Fit } from "./links-check.js";

// plain is a name without what people write differently: case, spaces and underscores.
const plain = (name) => name.toLowerCase().replace(/[\s_]+/g, "");

// typeOf says a column's type for people.
export const typeOf = (column) => (column.nativeType || column.kind || "").toLowerCase();

// paired pairs the columns of a table with headers: by name, or on a tab without headers by writing the names there.
export function paired(table, headers) {
  const left = [...(headers || [])];
  return table.columns.map((column) => {
    const base = { column: column.name, owner: column.generated ? "DATABASE" : "SHARED", conflictPolicy: "", header: "", linked: false };
    if (column.kind === "OTHER") return base;
    if (!headers) return { ...base, header: column.name, linked: column.kind !== "BYTES" };
    const place = left.findIndex((header) => header && plain(header) === plain(column.name));
    if (place < 0) return base;
    return { ...base, header: left.splice(place, 1)[0], linked: true };
  });
}

// columnProblems says what is wrong with a pairing, by column; "" holds what is wrong with the whole.
export function columnProblems(table, columns) {
  const wrong = {}, used = {};
  for (const c of columns) {
    if (!c.linked) continue;
    if (!c.header) wrong[c.column] = "Choose a header.";
    else if (used[c.header]) wrong[c.column] = `This header is paired with ${used[c.header]} already.`;
    used[c.header] = used[c.header] || c.column;
  }
  for (const key of table.primaryKey || []) {
    if (!columns.some((c) => c.column === key && c.linked)) wrong[key] = "This column is the key: rows are known by it, so it must be linked.";
  }
  return wrong;
}

// sent writes the pairing as the API takes it.
export const sent = (columns) => columns.filter((c) => c.linked).map((c) => ({ column: c.column, header: c.header, owner: c.owner, ...(c.conflictPolicy && { conflictPolicy: c.conflictPolicy }) }));

// Columns edits a pairing. headers is null where the headers are not known or not there yet: then they are typed. check, when given,
// says beside each column whether the cells of the tab fit.
export function Columns({ table, headers, columns, set, wrong = {}, rules, check }) {
  const change = (name, values) => set(columns.map((c) => (c.column === name ? { ...c, ...values } : c)));
  const unused = (headers || []).filter((header) => header && !columns.some((c) => c.linked && c.header === header));
  return html`<ul class="link-columns">${table.columns.map((column) => {
    const c = columns.find((x) => x.column === column.name) || { column: column.name, linked: false, header: "", owner: "SHARED", conflictPolicy: "" };
    const never = column.kind === "OTHER", error = wrong[column.name], id = `column-${column.name}`;
    const label = (text) => `${text} of ${column.name}`;
    return html`<li key=${column.name} class=${c.linked ? "" : "link-off"}>
      <label class="sync-check link-name"><input type="checkbox" checked=${c.linked} disabled=${never} aria-describedby=${error ? `${id}-error` : undefined}
        onChange=${(e) => change(column.name, { linked: e.target.checked, header: c.header || (headers ? "" : column.name) })} />
        <span><strong>${column.name}</strong> ${column.keyPosition > 0 && html`<${Badge} kind="info">key<//>`}<span class="dim link-type">${typeOf(column)}${column.nullable ? "" : ", never empty"}${column.generated ? ", computed by the database" : ""}</span></span></label>
      ${never && html`<span class="dim">cannot be linked</span>`}
      ${!never && html`
        <label class="link-part"><span class="sync-label">Header in the sheet</span>${headers
          ? html`<select aria-label=${label("Header")} aria-invalid=${error ? "true" : undefined} value=${c.linked ? c.header : ""} onChange=${(e) => change(column.name, { header: e.target.value, linked: !!e.target.value })}>
              <option value="">not linked</option>${headers.filter(Boolean).map((h, i) => html`<option key=${`${i} ${h}`} value=${h}>${h}</option>`)}</select>`
          : html`<input aria-label=${label("Header")} value=${c.header} disabled=${!c.linked} maxlength="1000" onInput=${(e) => change(column.name, { header: e.target.value })} />`}</label>
        <label class="link-part"><span class="sync-label">Who may change it</span><select aria-label=${label("Owner")} disabled=${!c.linked || column.generated} value=${c.owner} onChange=${(e) => change(column.name, { owner: e.target.value })}>
          ${Object.entries(owners).map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
        <label class="link-part"><span class="sync-label">On conflict</span><select aria-label=${label("Conflict policy")} disabled=${!c.linked || c.owner !== "SHARED"} value=${c.conflictPolicy} onChange=${(e) => change(column.name, { conflictPolicy: e.target.value })}>
          <option value="">as the link</option>${Object.entries(policies).filter(([value]) => rules || value !== "RULES").map(([value, [text]]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>`}
      ${check && c.linked && html`<div class="link-note"><${Fit} check=${check} of=${c} /></div>`}
      ${c.paused && html`<p class="warn-text link-note">Paused: ${c.paused}</p>`}
      ${error && html`<p class="error-text link-note" id=${`${id}-error`}>${error}</p>`}
    </li>`;
  })}</ul>
  ${unused.length > 0 && html`<p class="dim">Left alone in the sheet: ${unused.join(", ")}.</p>`}`;
}
