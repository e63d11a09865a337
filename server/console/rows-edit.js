// Editing of one row: typed inputs, the form of a row, and what is shown when a row changed meanwhile.
import { html, useState, useRef, useEffect, Dialog, Button, Badge, Field, useAct } from "./ui.js";
import { uuid } from "./api.js";
import { toText, fromText, inputOf, hintOf, lockOf, needed, show, titleOf } from "./rows-values.js";
import { saveRow, addRow } from "./rows-list.js";

// Input is the input for a column. text is what stands in it, as rows-values.js writes it; null is untouched in a new row.
export function Input({ column, text, onText, disabled, plain, ...rest }) {
  const first = useRef(text ?? "");
  // It must not become another while somebody types. A box without a tick says no: it is not offered where the database fills in
  // what nobody chose, which may be yes.
  const open = text === null && column.hasDefault;
  const input = useRef(inputOf(open ? { ...column, nullable: true } : column, first.current)).current;
  const value = text ?? "";
  const typed = (e) => onText(e.target.validity && e.target.validity.badInput ? "?" : e.target.value);
  const common = { ...rest, disabled, "data-column": column.name };
  if (input.kind === "check") {
    return html`<input type="checkbox" ...${common} checked=${value === "true"} onChange=${(e) => onText(String(e.target.checked))} />`;
  }
  if (input.kind === "choice") {
    const known = value === "" || input.choices.some(([v]) => v === value);
    return html`<select ...${common} value=${value} onChange=${typed}>
      ${(column.nullable || value === "" || text === null) && html`<option value="">${text === null && column.hasDefault ? "(as the database has it)" : "(empty)"}</option>`}
      ${!known && html`<option value=${value}>${value}</option>`}
      ${input.choices.map(([v, words]) => html`<option key=${v} value=${v}>${words}</option>`)}
    </select>`;
  }
  if (input.kind === "area") {
    return html`<textarea ...${common} rows=${plain ? 1 : 3} class=${input.mono ? "mono" : ""} value=${value} onInput=${typed} spellcheck=${input.mono ? "false" : undefined}></textarea>`;
  }
  const { kind, ...attributes } = input;
  // A wheel that turns over a number must not change it.
  return html`<input ...${common} ...${attributes} onWheel=${input.type === "number" ? (e) => e.target.blur() : undefined} autocomplete="off" value=${value === "?" ? undefined : value} onInput=${typed} />`;
}

// useDraft keeps what is typed for a row: row is the one it began with, null for a new one.
export function useDraft(columns, source, row) {
  const [texts, set] = useState(() => ({}));
  const [errors, setErrors] = useState({});
  const { busy, error, act, clear } = useAct();
  const key = useRef(uuid());
  const began = (column) => (row ? toText(column, (row.values || {})[column.name]) : null);
  const text = (column) => (column.name in texts ? texts[column.name] : began(column));
  const type = (column, value) => {
    key.current = uuid();
    set((all) => ({ ...all, [column.name]: value }));
    setErrors((all) => ({ ...all, [column.name]: "" }));
  };
  // values is what is sent: only what is another than it was.
  const values = () => {
    const out = {};
    for (const column of columns) {
      if (column.name in texts && texts[column.name] !== began(column)) out[column.name] = fromText(column, texts[column.name]);
      else if (!row && !(column.name in texts) && column.kind === "BOOLEAN" && needed(column, source)) out[column.name] = false;
    }
    return out;
  };
  const wrong = () => {
    const found = {};
    for (const column of columns) if (texts[column.name] === "?") found[column.name] = `This is not ${column.kind.startsWith("DATE") || column.kind === "TIMESTAMP" ? "a complete date" : "a number"}.`;
    return found;
  };
  const send = (how) => act(async () => {
    const found = wrong();
    setErrors(found);
    if (Object.keys(found).length) return null;
    try {
      return await how(values(), key.current);
    } catch (problem) {
      const named = {};
      for (const column of columns) {
        const said = problem.fields && problem.fields.find((f) => f.field === `row.values.${column.name}` || f.field === `values.${column.name}`);
        if (said) named[column.name] = said.description;
      }
      setErrors(named);
      if (problem.status === 412 && problem.row) problem.mine = values();
      throw problem;
    }
  });
  return {
    text, type, values, errors, busy, error, clear, send,
    dirty: () => columns.some((c) => c.name in texts && texts[c.name] !== began(c)),
    // loose is what went wrong beyond the single fields.
    loose: () => (error && !error.mine && !columns.some((c) => errors[c.name]) ? error : null),
  };
}

// Leave asks before what was typed is lost.
export const Leave = ({ onStay, onLeave }) => html`<div class="ask" role="alertdialog" aria-label="Unsaved changes">
  <p>What you typed is not saved.</p>
  <div class="row"><${Button} kind="danger small" onClick=${onLeave}>Discard it<//><${Button} kind="small" onClick=${onStay}>Keep editing<//></div>
</div>`;

// NotNow stands beside what was typed by somebody who has signed in again since, with a token that may not save it.
export const NotNow = () => html`<span role="status">The token that you are signed in with now may only look, so that this cannot be saved. What you typed is still here, to be copied, or saved with another token.</span>`;

export const stateBadge = { PENDING: ["info", "pending"], CONFLICT: ["warn", "conflict"], ERROR: ["bad", "error"] };

// why is what is wrong with a row, in words.
export const why = (row) => (row.syncState === "CONFLICT" ? "Both sides changed this row differently. Nothing is overwritten until somebody settles it."
  : row.syncState === "ERROR" ? (row.syncError || "").replace(/^([^:]+: )\1/, "$1") : "");

// RowDialog shows a row, to edit it where that is allowed; without a row it makes a new one.
export function RowDialog({ list, row, columns, source, focus, editable, moved, links, onClose, onSaved, onDelete, onChanged }) {
  const draft = useDraft(columns, source, row);
  const [asking, ask] = useState(false);
  const form = useRef();
  useEffect(() => { // after the dialog is shown
    const wanted = [...form.current.querySelectorAll("[data-column]")].find((e) => (focus ? e.dataset.column === focus : !e.disabled));
    if (wanted && matchMedia("(pointer: fine)").matches) wanted.focus();
  }, []);
  useEffect(() => {
    if (draft.error && draft.error.mine) onChanged(draft.error);
    else if (draft.error) (form.current.querySelector("[aria-invalid]") || form.current).scrollIntoView({ block: "nearest" });
  }, [draft.error]);
  const typing = editable || draft.dirty();
  const close = () => (draft.dirty() ? ask(true) : onClose());
  const save = async (e) => {
    if (e) e.preventDefault();
    if (!editable || draft.busy) return;
    if (row && !draft.dirty()) return onClose();
    const saved = await draft.send((values, key) => (row ? saveRow(row, values, key) : addRow(list, values, key)));
    if (saved) onSaved(saved);
  };
  const state = row && stateBadge[row.syncState];
  const title = !row ? `New row in the ${source}` : row.name ? titleOf(row, columns) : `Row ${row.position} of the sheet`;
  const foot = asking
    ? html`<${Leave} onStay=${() => ask(false)} onLeave=${onClose} />`
    : editable
      ? html`${row && html`<${Button} kind="danger apart" onClick=${onDelete} disabled=${draft.busy}>Delete<//>`}
        <${Button} onClick=${close}>Cancel<//><${Button} kind="primary" busy=${draft.busy} onClick=${save}>${row ? "Save" : "Add row"}<//>`
      : html`<${Button} onClick=${close}>Close<//>`;
  return html`<${Dialog} title=${title} onClose=${close} foot=${foot}>
    <form ref=${form} onSubmit=${save} noValidate ...${typing ? {} : { tabindex: "0", "aria-label": title /* so that keys can scroll what has no input */ }}>
      ${state && html`<p class=${`note ${state[0]}`}><${Badge} kind=${state[0]}>${state[1]}<//> ${why(row) || "The change has not reached the other side yet."} ${links}</p>`}
      ${moved && html`<p class="note info" role="status">Somebody changed this row meanwhile. When you save, both versions are shown.</p>`}
      ${typing && !editable && html`<p class="note warn"><${NotNow} /></p>`}
      ${draft.loose() && html`<p class="note bad" role="alert">${draft.loose().message}</p>`}
      ${columns.map((column) => {
        const lock = lockOf(column, source), must = !row && needed(column, source);
        if (!typing || (row && (lock || !row.name)) || (!row && lock && !must)) {
          return row && html`<div class="field" key=${column.name}><span class="legend">${column.name}</span>
            <div class="fixed">${show(column, row.values[column.name]) || html`<span class="dim">empty</span>`}</div>
            ${typing && lock && html`<div class="hint">${lock}</div>`}</div>`;
        }
        const hint = [hintOf(column), !row && column.autoIncrement && (source === "database" ? "left empty, the database makes it" : ""),
          !row && !must && column.hasDefault && !column.autoIncrement && "left empty, the database fills it", column.paused && `not synced now: ${column.paused}`].filter(Boolean).join("; ");
        return html`<${Field} key=${column.name} label=${html`${column.name}${must ? html` <span class="must">needed</span>` : ""}`} hint=${hint} error=${draft.errors[column.name]}>
          ${(ties) => html`<${Input} ...${ties} column=${column} text=${draft.text(column)} onText=${(t) => draft.type(column, t)} required=${must && column.kind !== "BOOLEAN"} />`}<//>`;
      })}
      ${editable && html`<button type="submit" class="hidden-label" tabindex="-1" aria-hidden="true">Save</button>`}
    </form>
  <//>`;
}

// Changed shows a row in two versions, and lets the person choose. mine is what was typed; without it, a row was to be deleted.
export function Changed({ editable, columns, base, mine, theirs, busy, error, onTake, onWrite, onClose }) {
  const rows = columns.filter((c) => (mine && c.name in mine) || JSON.stringify((base.values || {})[c.name] ?? null) !== JSON.stringify((theirs.values || {})[c.name] ?? null));
  const cell = (column, value) => show(column, value) || html`<span class="dim">empty</span>`;
  const foot = html`<${Button} onClick=${onTake}>${mine ? "Take theirs" : "Keep the row"}<//>
    ${editable && html`<${Button} kind=${mine ? "primary" : "danger"} busy=${busy} onClick=${onWrite}>${mine ? "Write mine again" : "Delete it anyway"}<//>`}`;
  return html`<${Dialog} title="This row changed meanwhile" wide onClose=${onClose} foot=${foot}>
    <p>${mine ? "Somebody else saved this row after you opened it. Nothing was overwritten." : "Somebody changed this row after you saw it. It was not deleted."}</p>
    ${error && html`<p class="note bad" role="alert">${error.message}</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label="Both versions"><table class="versions">
      <thead><tr><th scope="col">Column</th><th scope="col" class="before">Before</th>${mine && html`<th scope="col">Yours</th>`}<th scope="col">${mine ? "Theirs" : "Now"}</th></tr></thead>
      <tbody>${rows.map((c) => html`<tr key=${c.name}><th scope="row">${c.name}</th>
        <td class="dim before">${cell(c, (base.values || {})[c.name])}</td>
        ${mine && html`<td class=${c.name in mine ? "mine" : ""}>${c.name in mine ? cell(c, mine[c.name]) : html`<span class="dim">as theirs</span>`}</td>`}
        <td>${cell(c, (theirs.values || {})[c.name])}</td></tr>`)}</tbody>
    </table></div>
    ${mine && html`<p class="dim">“Write mine again” changes ${Object.keys(mine).length === 1 ? "this one column" : "the columns that you typed in"} and leaves the rest as theirs.</p>`}
  <//>`;
}
