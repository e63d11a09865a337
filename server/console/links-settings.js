// The settings of a link: choices, columns, rules, the Apps Script, and its end.
import { html, useState, useLoad, useAct, Button, Dialog, Field, Problem, Skeleton, toast } from "./ui.js";
import { get, remove } from "./api.js";
import { Choices, choicesOf, choicesSent, choicesMask, choicesWrong, atFields } from "./links-choices.js";
import { Columns, columnProblems, sent } from "./links-columns.js";
import { Rules } from "./links-rules.js";
import { Script } from "./links-script.js";
import { useForm, useSave, Foot } from "./links-form.js";

export function LinkSettings({ link, id, reload, onDeleted }) {
  const table = useLoad(() => get(`/v1/tables/${encodeURIComponent(link.table)}`), [link.table]);
  return html`<div class="link-settings">
    <${General} link=${link} table=${table.data} reload=${reload} />
    <${ColumnsForm} link=${link} table=${table} reload=${reload} />
    <${Rules} link=${link} id=${id} reload=${reload} />
    <${Script} link=${link} id=${id} />
    <${Delete} link=${link} id=${id} onDeleted=${onDeleted} />
  </div>`;
}

function General({ link, table, reload }) {
  const form = useForm(link, choicesOf), save = useSave(form, reload), numbers = Object.keys(choicesWrong(form.value)).length > 0;
  return html`<form class="panel" noValidate aria-labelledby="link-general" onSubmit=${(e) => { e.preventDefault(); if (!numbers) save.save(choicesSent(form.value), choicesMask); }}>
    <h2 id="link-general">Choices</h2>
    <${Choices} choices=${form.value} set=${form.set} table=${table} error=${save.error} />
    <${Foot} form=${form} save=${save} disabled=${numbers} quiet=${atFields(save.error)} /></form>`;
}

const pairs = (link) => link.columns.map((c) => ({ column: c.column, header: c.header, owner: c.owner, conflictPolicy: (c.conflictPolicy || "").replace("CONFLICT_POLICY_UNSPECIFIED", ""), linked: true }));

function ColumnsForm({ link, table, reload }) {
  const form = useForm(link, pairs), save = useSave(form, reload), [open, setOpen] = useState(false);
  const sheet = useLoad(async () => open && Number(link.headerRow) <= 1 ? get(`/v1/spreadsheets/${link.spreadsheetId}/tabs`) : null, [open, link.spreadsheetId]);
  const tab = (sheet.data?.tabs || []).find((t) => t.sheetId === link.sheetId);
  const paused = Object.fromEntries(link.columns.map((c) => [c.column, c.paused]));
  const shown = form.value.map((c) => ({ ...c, paused: paused[c.column] }));
  const wrong = table.data ? columnProblems(table.data, form.value) : {};
  for (const { field, description } of save.error?.fields || []) {
    const place = /columns\[(\d+)\]/.exec(field), name = place && sent(form.value)[Number(place[1])]?.column;
    if (name) wrong[name] = description;
  }
  const place = (c) => (link.columns.findIndex((x) => x.column === c.column) + 1 || link.columns.length + 1);
  const set = (list) => form.set(list.filter((c) => c.linked).map(({ paused: _, ...c }) => c).sort((a, b) => place(a) - place(b)));
  const full = (list) => [...list, ...(table.data?.columns || []).filter((c) => !list.some((x) => x.column === c.name)).map((c) => ({ column: c.name, header: "", owner: c.generated ? "DATABASE" : "SHARED", conflictPolicy: "", linked: false }))];
  const stopped = link.columns.filter((c) => c.paused);
  return html`<form class="panel" noValidate aria-labelledby="link-columns" onSubmit=${(e) => { e.preventDefault(); save.save({ columns: sent(form.value) }, "columns"); }}>
    <div class="sync-title"><h2 id="link-columns">Columns</h2>${!open && html`<${Button} onClick=${() => setOpen(true)}>Edit the columns<//>`}</div>
    ${stopped.map((c) => html`<p key=${c.column} class="warn-text">${c.column} is paused: ${c.paused}</p>`)}
    ${!open && html`<p>${link.columns.length} ${link.columns.length === 1 ? "column is" : "columns are"} linked: ${link.columns.map((c) => c.column).join(", ")}.</p>`}
    ${open && html`
      <${Problem} error=${table.error} retry=${table.reload} /><${Problem} error=${sheet.error} retry=${sheet.reload} />
      ${(!table.data || sheet.loading) && !sheet.error && !table.error && html`<${Skeleton} lines=${6} />`}
      ${table.data && !sheet.loading && html`<${Columns} table=${table.data} headers=${tab ? tab.headers : null} columns=${full(shown)} set=${set} wrong=${wrong} rules=${true} />
        <${Foot} form=${form} save=${save} disabled=${Object.keys(columnProblems(table.data, form.value)).length > 0} />`}`}
  </form>`;
}

function Delete({ link, id, onDeleted }) {
  const [open, setOpen] = useState(false), [typed, setTyped] = useState(""), act = useAct();
  const run = () => act.act(async () => {
    await remove(`/v1/links/${id}`);
    toast(`The link ${link.displayName || id} is deleted.`);
    onDeleted();
  });
  const close = () => { setOpen(false); setTyped(""); };
  return html`<section class="panel" aria-labelledby="link-delete"><h2 id="link-delete">Delete this link</h2>
    <p>Table and sheet stay as they are; they only stop following each other. The link's history and its open conflicts are gone then.</p>
    <${Button} kind="danger" onClick=${() => setOpen(true)}>Delete the link…<//>
    ${open && html`<${Dialog} title=${`Delete the link ${link.displayName || id}?`} onClose=${close} foot=${html`<${Button} onClick=${close}>Cancel<//><${Button} kind="danger" busy=${act.busy} disabled=${typed.trim() !== id} onClick=${run}>Delete it<//>`}>
      <form onSubmit=${(e) => { e.preventDefault(); if (typed.trim() === id) run(); }}>
      <p>The rows of both sides stay. What is lost: the settings, the history with its way back, and the decisions that wait.</p>
      <${Field} label=${`Type ${id} to go on`}>${(a) => html`<input ...${a} autocomplete="off" autocapitalize="none" spellcheck=${false} value=${typed} onInput=${(e) => setTyped(e.target.value)} />`}<//></form>
      <${Problem} error=${act.error} /><//>`}
  </section>`;
}
