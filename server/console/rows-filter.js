// What narrows a list down: the search, filters of single columns, and the order.
import { html, useState, useEffect, useRef, Dialog, Button, Field } from "./ui.js";
import { comparisonsOf, needsValue, wordsOf, inputOf } from "./rows-values.js";

// readView reads what a list shows from the address; writeView is its way back, without "?" when nothing narrows it down.
export function readView(query) {
  const filters = query.getAll("f").map((text) => {
    try {
      const [column, operator, value] = JSON.parse(text);
      return [String(column), String(operator), String(value ?? "")];
    } catch {
      return null;
    }
  }).filter(Boolean);
  return { search: query.get("q") || "", filters, sort: query.get("sort") || "" };
}

export function writeView({ search, filters, sort }) {
  const query = new URLSearchParams();
  if (search) query.set("q", search);
  for (const filter of filters) query.append("f", JSON.stringify(filter));
  if (sort) query.set("sort", sort);
  return query.toString() && `?${query}`;
}

// Search waits until typing pauses.
export function Search({ value, onSearch }) {
  const [text, set] = useState(value);
  const sent = useRef(value), timer = useRef();
  useEffect(() => {
    if (value !== sent.current) set((sent.current = value));
  }, [value]);
  const send = (now) => {
    clearTimeout(timer.current);
    if (now !== sent.current) onSearch((sent.current = now));
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return html`<form class="search" role="search" onSubmit=${(e) => { e.preventDefault(); send(text); }}>
    <label class="hidden-label" for="search">Search the rows</label>
    <input id="search" type="search" placeholder="Search" autocomplete="off" value=${text}
      onInput=${(e) => { const now = e.target.value; set(now); clearTimeout(timer.current); timer.current = setTimeout(() => send(now), now ? 300 : 0); }} />
  </form>`;
}

export function Chips({ columns, filters, onRemove, onOpen, onClear }) {
  if (!filters.length) return null;
  return html`<ul class="chips" aria-label="Filters">${filters.map((filter, i) => {
    const column = columns.find((c) => c.name === filter[0]) || { name: filter[0], kind: "TEXT" };
    const words = wordsOf(column, filter);
    return html`<li key=${JSON.stringify(filter)} class="chip"><button type="button" class="chip-text" onClick=${() => onOpen(i)}>${words}</button>
      <button type="button" class="icon" aria-label=${`Remove the filter: ${words}`} onClick=${() => onRemove(i)}>✕</button></li>`;
  })}${filters.length > 1 && html`<li><button type="button" class="plain" onClick=${onClear}>Clear all</button></li>`}</ul>`;
}

// Filter makes a filter, or changes one.
export function Filter({ columns, column: wanted, filter, onClose, onApply, onRemove }) {
  const [name, setName] = useState(filter ? filter[0] : wanted || (columns.find((c) => !c.key) || columns[0]).name);
  const column = columns.find((c) => c.name === name) || columns[0];
  const offered = comparisonsOf(column);
  const [chosen, setOperator] = useState(filter ? filter[1] : "");
  const operator = offered.some(([o]) => o === chosen) ? chosen : offered[0][0];
  const [value, setValue] = useState(filter ? filter[2] : "");
  const [error, setError] = useState("");
  const input = inputOf({ ...column, nullable: true }, column.kind === "TEXT" || column.kind === "JSON" ? "" : value);
  const given = input.kind === "choice" && !input.choices.some(([v]) => v === value) ? (input.choices[0] || [""])[0] : value;
  const apply = (e) => {
    if (e) e.preventDefault();
    if (needsValue(operator) && given === "") return setError("Say which value to look for.");
    onApply([name, operator, needsValue(operator) ? given : ""]);
  };
  const foot = html`${filter && html`<${Button} kind="danger apart" onClick=${onRemove}>Remove<//>`}<${Button} onClick=${onClose}>Cancel<//>
    <${Button} kind="primary" onClick=${apply}>${filter ? "Change filter" : "Add filter"}<//>`;
  return html`<${Dialog} title="Filter" onClose=${onClose} foot=${foot}><form onSubmit=${apply} noValidate>
    <${Field} label="Column">${(ties) => html`<select ...${ties} value=${name} onChange=${(e) => { setName(e.target.value); setValue(""); setError(""); }}>
      ${columns.map((c) => html`<option key=${c.name} value=${c.name}>${c.name}</option>`)}</select>`}<//>
    <${Field} label="Comparison">${(ties) => html`<select ...${ties} value=${operator} onChange=${(e) => setOperator(e.target.value)}>
      ${offered.map(([o, words]) => html`<option key=${o} value=${o}>${words}</option>`)}</select>`}<//>
    ${needsValue(operator) && html`<${Field} key=${name} label="Value" error=${error} hint=${column.kind === "TIMESTAMP" ? "in UTC" : ""}>${(ties) => input.kind === "choice"
      ? html`<select ...${ties} value=${given} onChange=${(e) => setValue(e.target.value)}>${input.choices.map(([v, words]) => html`<option key=${v} value=${v}>${words}</option>`)}</select>`
      : html`<input ...${ties} type=${input.type || "text"} step=${input.step} inputmode=${input.inputmode} autocomplete="off" value=${value}
          onInput=${(e) => { setValue(e.target.value); setError(e.target.validity.badInput ? "This is not complete." : ""); }} />`}<//>`}
    <button type="submit" class="hidden-label" tabindex="-1" aria-hidden="true">Apply</button>
  </form><//>`;
}

// Order is the order as a choice, for where there are no headers to tap.
export const Order = ({ columns, sort, onSort }) => html`<label class="order"><span class="hidden-label">Order</span>
  <select value=${sort} onChange=${(e) => onSort(e.target.value)}>
    <option value="">by key</option>
    ${columns.map((c) => html`<option key=${c.name} value=${c.name}>${c.name}, up</option><option key=${`-${c.name}`} value=${`-${c.name}`}>${c.name}, down</option>`)}
  </select></label>`;
