// The rows on a desk, as a table to walk through by arrow keys, and on a phone, as a list of cards.
import { html, useState, useRef, useEffect, useLayoutEffect, Badge, Button } from "./ui.js";
import { idOf, saveRow } from "./rows-list.js";
import { show, isNumber, widthOf, lockOf, titleOf, keyOf, brief } from "./rows-values.js";
import { Input, useDraft, Leave, NotNow, stateBadge, why } from "./rows-edit.js";

const actsOf = (editable) => (editable ? 9 : 6); // rem of the column for the state and what can be done

const Pen = () => html`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M2.5 13.5l.8-3.4 7.6-7.6 2.6 2.6-7.6 7.6z" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" /></svg>`;
const Bin = () => html`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M3 4.5h10M6.3 4.3V2.7h3.4v1.6M4.3 4.7l.6 8.6h6.2l.6-8.6M6.8 7v4M9.2 7v4" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round" /></svg>`;

const State = ({ row, mark }) => {
  const state = stateBadge[row.syncState];
  if (mark === "gone") return html`<${Badge} kind="bad">deleted<//>`;
  if (state) return html`<${Badge} kind=${state[0]}>${state[1]}<//>`;
  if (mark) return html`<${Badge} kind="good">${mark === "new" ? "new" : "changed"}<//>`;
  return null;
};

// Cards are rows on a phone.
export function Cards({ list, columns, editable, onOpen, links }) {
  const key = columns.filter((c) => c.key), rest = columns.filter((c) => !c.key);
  return html`<ul class="row-cards" aria-label="Rows">${list.rows.map((row) => {
    const id = idOf(row), mark = list.marks.get(id), values = row.values || {}, title = row.name ? titleOf(row, columns) : `Row ${row.position} of the sheet`;
    const titled = row.name && rest.find((c) => c.kind === "TEXT" && values[c.name]);
    return html`<li key=${id} class=${mark ? (mark === "gone" ? "gone" : "changed") : ""}>
      <button type="button" class="row-card" onClick=${() => onOpen(row)}>
        <span class="card-head"><strong>${title}</strong><${State} row=${row} mark=${mark} />
          ${titled && html`<span class="dim">${key.map((c) => c.name).join(" · ")} ${keyOf(row, columns)}</span>`}</span>
        <span class="card-values">${rest.filter((c) => c !== titled && show(c, values[c.name])).map((c) => html`<span key=${c.name} class=${Array.isArray(mark) && mark.includes(c.name) ? "fresh" : ""}>
          <span class="dim">${c.name}</span> ${brief(show(c, values[c.name]), 120)}</span>`)}</span>
        ${editable && row.name && html`<span class="hidden-label">Edit</span>`}
      </button>
      ${why(row) && html`<p class=${`why ${stateBadge[row.syncState][0]}`}>${why(row)} ${links(row)}</p>`}
    </li>`;
  })}</ul>`;
}

// Table is rows on a desk. The arrow keys walk through its cells, Enter edits the row, Escape leaves it.
export function Table({ list, columns, source, sort, onSort, onFilter, filtered, editable, editing, onEdit, onSaved, onDelete, onChanged, links }) {
  const table = useRef(), grid = useRef();
  useLayoutEffect(() => {
    // The policy of the page has no style attributes; a property is not one.
    table.current.style.minWidth = `${columns.reduce((sum, c) => sum + widthOf(c), actsOf(editable))}rem`;
    table.current.querySelectorAll("col[data-rem]").forEach((col) => (col.style.width = `${col.dataset.rem}rem`));
  }, [columns, editable]);
  useEffect(() => {
    // One cell can be reached by Tab; from there the arrow keys go on.
    const body = grid.current;
    if (!body.querySelector('td[tabindex="0"]')) {
      const first = body.querySelector("td[tabindex]");
      if (first) first.tabIndex = 0;
    }
  });
  const roam = (cell) => {
    grid.current.querySelectorAll('td[tabindex="0"]').forEach((other) => (other.tabIndex = -1));
    cell.tabIndex = 0;
  };
  const onKeyDown = (e) => {
    const cell = e.target.closest("td");
    if (!cell || e.target !== cell || e.altKey || e.metaKey) return;
    const row = cell.parentElement, cells = [...row.querySelectorAll("td[tabindex]")], at = cells.indexOf(cell);
    const lines = [...grid.current.querySelectorAll("tr[data-id]")], line = lines.indexOf(row);
    const to = (l, c) => {
      const there = lines[Math.max(0, Math.min(l, lines.length - 1))].querySelectorAll("td[tabindex]");
      const next = there[Math.max(0, Math.min(c, there.length - 1))];
      if (!next) return;
      e.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    };
    const moves = { ArrowDown: [line + 1, at], ArrowUp: [line - 1, at], ArrowLeft: [line, at - 1], ArrowRight: [line, at + 1],
      Home: e.ctrlKey ? [0, 0] : [line, 0], End: e.ctrlKey ? [lines.length - 1, cells.length - 1] : [line, cells.length - 1], PageDown: [line + 10, at], PageUp: [line - 10, at] };
    if (moves[e.key]) return to(...moves[e.key]);
    if (!editable || !row.dataset.name) return;
    if (e.key === "Enter" || e.key === "F2") {
      e.preventDefault();
      onEdit(row.dataset.id, cell.dataset.column);
    } else if (e.key === "Delete") {
      e.preventDefault();
      onDelete(list.find(row.dataset.id));
    }
  };
  const onClick = (e) => {
    const cell = e.target.closest("td[data-column]");
    if (!cell || !editable || e.target.closest("button, input, select, textarea, a") || !cell.parentElement.dataset.name || String(getSelection())) return;
    onEdit(cell.parentElement.dataset.id, cell.dataset.column);
  };
  const head = (column) => {
    const order = sort === column.name ? "ascending" : sort === `-${column.name}` ? "descending" : undefined;
    const next = order === "ascending" ? `-${column.name}` : order ? "" : column.name;
    return html`<th key=${column.name} scope="col" aria-sort=${order || "none"} class=${`${isNumber(column) ? "number" : ""} ${column.key ? "key" : ""}`}>
      <span class="th"><button type="button" class="sort" title=${[`Sort by ${column.name}`, column.paused && `Not synced now: ${column.paused}`].filter(Boolean).join(". ")} onClick=${() => onSort(next)}>
        <span class="th-name">${column.name}</span>${column.paused && html` <span class="warn-text" aria-label="not synced now">⚠</span>`}<span class="arrow" aria-hidden="true">${order === "ascending" ? "↑" : order ? "↓" : ""}</span></button>
      <button type="button" class=${`filter ${filtered(column) ? "on" : ""}`} aria-label=${`Filter by ${column.name}${filtered(column) ? " (on)" : ""}`} onClick=${() => onFilter(column.name)}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M2 3h12l-4.6 5.4V13l-2.8-1.5V8.4z" fill="currentColor" /></svg></button></span></th>`;
  };
  // What somebody is typing in stays, also when the row is no longer among those that are looked for.
  const lines = editing && !list.find(editing.id) ? [editing.row, ...list.rows] : list.rows;
  return html`<div class="scroll rows"><table ref=${table} role="grid" class="grid" aria-rowcount=${list.total === null ? undefined : list.total + 1} aria-label=${`Rows of the ${source}`}>
    <colgroup>${columns.map((c) => html`<col key=${c.name} data-rem=${widthOf(c)} />`)}<col data-rem=${actsOf(editable)} /></colgroup>
    <thead><tr>${columns.map(head)}<th scope="col" class="acts"><span class="hidden-label">State and actions</span></th></tr></thead>
    <tbody ref=${grid} onKeyDown=${onKeyDown} onClick=${onClick} onFocusIn=${(e) => e.target.matches("td[tabindex]") && roam(e.target)}>${lines.map((row) => {
      const id = idOf(row), mark = list.marks.get(id);
      if (editing && editing.id === id) {
        return html`<${EditRow} key=${id} editable=${editable} base=${editing.row} now=${row} gone=${mark === "gone" || lines !== list.rows} focus=${editing.column} columns=${columns} source=${source} onSaved=${onSaved} onChanged=${onChanged} onEnd=${() => onEdit(null)} />`;
      }
      return html`<${Row} key=${id} id=${id} row=${row} mark=${mark} columns=${columns} source=${source} editable=${editable} onEdit=${onEdit} onDelete=${onDelete} links=${links} />`;
    })}</tbody>
  </table></div>`;
}

function Row({ id, row, mark, columns, source, editable, onEdit, onDelete, links }) {
  const values = row.values || {}, name = row.name ? titleOf(row, columns) : `row ${row.position} of the sheet`;
  const reason = why(row);
  return html`<tr data-id=${id} data-name=${row.name || undefined} class=${[mark === "gone" && "gone", mark === "new" && "fresh", reason && "troubled"].filter(Boolean).join(" ")}>
    ${columns.map((c) => {
      const text = show(c, values[c.name]), lock = lockOf(c, source);
      return html`<td key=${c.name} tabindex="-1" data-column=${c.name} title=${text.length > 12 ? text : undefined}
        class=${[isNumber(c) && "number", c.key && "key", editable && row.name && !lock && "open", lock && "locked", Array.isArray(mark) && mark.includes(c.name) && "fresh"].filter(Boolean).join(" ")}><div class="cell">${text}</div></td>`;
    })}
    <td class="acts"><div class="cell"><${State} row=${row} mark=${mark} />
      ${editable && row.name && mark !== "gone" && html`<span class="row-acts"><button type="button" class="icon" tabindex="-1" aria-label=${`Edit ${name}`} title="Edit (Enter)" onClick=${() => onEdit(id)}><${Pen} /></button>
        <button type="button" class="icon" tabindex="-1" aria-label=${`Delete ${name}`} title="Delete (Del)" onClick=${() => onDelete(row)}><${Bin} /></button></span>`}</div></td>
  </tr>${reason && html`<tr class=${`why ${stateBadge[row.syncState][0]}`}><td colspan=${columns.length + 1}><div class="why-text">${row.name ? "" : `Row ${row.position} of the sheet: `}${reason} ${links(row)}</div></td></tr>`}`;
}

// EditRow is a row whose cells are inputs.
function EditRow({ editable, base, now, gone, focus, columns, source, onSaved, onChanged, onEnd }) {
  const draft = useDraft(columns, source, base);
  const line = useRef(), [asking, ask] = useState(false);
  const moved = now.etag !== base.etag;
  const id = idOf(base);
  useLayoutEffect(() => {
    const inputs = [...line.current.querySelectorAll("[data-column]:not(td)")];
    const wanted = inputs.find((e) => e.dataset.column === focus) || inputs[0];
    if (wanted) {
      wanted.focus();
      if (wanted.select && wanted.type !== "date") wanted.select();
    }
  }, []);
  useEffect(() => {
    if (draft.error && draft.error.mine) onChanged(draft.error, base);
    else if (draft.error) (line.current.querySelector("[aria-invalid]") || { focus() {} }).focus();
  }, [draft.error]);
  useEffect(() => {
    const hold = (e) => draft.dirty() && e.preventDefault();
    addEventListener("beforeunload", hold);
    return () => removeEventListener("beforeunload", hold);
  });
  const end = () => {
    const body = line.current.parentElement;
    onEnd();
    setTimeout(() => { // the keyboard stays in the row that was edited
      const cell = body.querySelector(`tr[data-id="${CSS.escape(id)}"] td${focus ? `[data-column="${CSS.escape(focus)}"]` : ""}`);
      if (cell && (document.activeElement === document.body || !document.activeElement)) cell.focus();
    }, 30);
  };
  const save = async () => {
    if (draft.busy) return;
    if (!draft.dirty()) return end();
    if (!editable) return;
    const saved = await draft.send((values, key) => saveRow(base, values, key));
    if (saved) {
      onSaved(saved, base);
      end();
    }
  };
  const leave = () => (draft.dirty() ? ask(true) : end());
  const onKeyDown = (e) => {
    if (e.key === "Escape") {
      e.preventDefault();
      if (asking) ask(false);
      else leave();
    } else if (e.key === "Enter" && e.target.matches("input, select, textarea") && (e.target.tagName !== "TEXTAREA" || e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      save();
    }
  };
  const loose = draft.loose(), below = moved || gone || loose || asking || !editable;
  return html`<tr ref=${line} class="editing" onKeyDown=${onKeyDown}>
    ${columns.map((c) => {
      const lock = lockOf(c, source), wrong = draft.errors[c.name], note = `wrong-${c.name}`;
      return html`<td key=${c.name} class=${`${isNumber(c) ? "number" : ""} ${c.key ? "key" : ""} ${lock ? "locked" : ""}`} title=${lock || undefined}>
        ${lock ? html`<div class="cell">${show(c, (base.values || {})[c.name])}</div>` : html`<${Input} column=${c} plain text=${draft.text(c)} onText=${(t) => draft.type(c, t)} aria-label=${c.name}
          aria-invalid=${wrong ? "true" : undefined} aria-describedby=${wrong ? note : undefined} />`}
        ${wrong && html`<div class="error-text" id=${note}>${wrong}</div>`}</td>`;
    })}
    <td class="acts"><div class="cell">${editable && html`<${Button} kind="primary small" busy=${draft.busy} onClick=${save}>Save<//>`}<${Button} kind="small" onClick=${leave}>Cancel<//></div></td>
  </tr>
  ${below && html`<tr class="why"><td colspan=${columns.length + 1}><div class="why-text">
    ${asking && html`<${Leave} onStay=${() => ask(false)} onLeave=${end} />`}
    ${!editable && !asking && html`<${NotNow} />`}
    ${loose && html`<span class="bad-text" role="alert">${loose.message}</span>`}
    ${gone && !loose && !asking && html`<span role="status">This row is not in the list any more: it was deleted, or is not among what you look for now.</span>`}
    ${moved && !gone && !loose && !asking && html`<span role="status">Somebody changed this row meanwhile. When you save, both versions are shown.</span>`}
  </div></td></tr>`}`;
}
