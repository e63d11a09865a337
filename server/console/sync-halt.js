// A link that stopped itself: why, which rows, and the two ways on.
import { html, useState, useAct, Button, Dialog, Problem, count, toast } from "./ui.js";
import { post } from "./api.js";
import { may } from "./session.js";
import { plainly, sentence, Aside } from "./sync-words.js";

const reasons = {
  TOO_MANY_DELETES: ["More was deleted or emptied than this link lets through by itself", ""],
  TAB_GONE: ["The tab or its spreadsheet is gone", "Restore the tab: in Google Sheets, open File, Version history, or take the spreadsheet out of the trash."],
  KEY_COLUMN_GONE: ["The key column of the tab is gone", "Put the column with the key, and its header, back into the tab; Undo in Google Sheets does it."],
  TABLE_CHANGED: ["The table is gone, or its key changed", "Bring the table and its key back as they were. If the change is meant to stay, delete this link and make a new one."],
  TIME_ZONE_CHANGED: ["The time zone of the spreadsheet changed", "Times in the sheet would now mean other moments. Set the time zone back: in Google Sheets, open File, Settings. If you go on without that, the cells count as times of the new zone, and the moments in the table change with them."],
};

export function Halt({ link, id, reload }) {
  const halt = link.halt || {}, [ask, setAsk] = useState(""), act = useAct();
  const [title, help] = reasons[halt.reason] || ["This link stopped itself", ""];
  const removal = halt.reason === "TOO_MANY_DELETES";
  const from = { DATABASE: "database", SHEET: "sheet" }[halt.source] || "one side", to = { database: "sheet", sheet: "database" }[from] || "other side";
  const rows = Number(halt.rowCount || 0), shown = [...(halt.rows || [])].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const decide = (putBack) => act.act(async () => {
    await post(`/v1/links/${id}:approve`, { putBack });
    setAsk("");
    await reload();
    toast(putBack ? "The rows are being put back." : removal ? "The deletions are being carried out." : "The link goes on.");
  });
  return html`<section class="panel sync-halt" aria-labelledby="sync-halt">
    <h2 id="sync-halt">Halted: ${title}</h2>
    <p>${sentence(plainly(halt.message))}</p>
    ${help && html`<p>${help}</p>`}
    ${shown.length > 0 && html`<${Aside} title=${`The ${count(rows, "row")}${rows > shown.length ? `, the first ${shown.length} are listed` : ""}`} open=${shown.length <= 20}>
      <ul class="sync-keys" tabindex="0" aria-label="Rows">${shown.map((key) => html`<li key=${key}>${key}</li>`)}</ul><//>`}
    ${may("ADMIN") ? html`<div class="row">
      ${removal ? html`
        <${Button} kind="danger" onClick=${() => setAsk("apply")}>Apply: delete or empty in the ${to} too<//>
        <${Button} kind="primary" onClick=${() => setAsk("back")}>Put back: restore in the ${from}<//>` : html`
        <${Button} kind="primary" onClick=${() => setAsk("apply")}>It is in order again: go on<//>`}
    </div>` : html`<p class="dim">An admin has to decide.</p>`}
    ${ask && html`<${Dialog} title=${ask === "back" ? `Restore ${count(rows, "row")} in the ${from}?` : removal ? `Delete or empty ${count(rows, "row")} in the ${to} too?` : "Let the link go on?"}
      onClose=${() => setAsk("")} foot=${html`
        <${Button} onClick=${() => setAsk("")}>Cancel<//>
        <${Button} kind=${ask === "apply" && removal ? "danger" : "primary"} busy=${act.busy} onClick=${() => decide(ask === "back")}>${ask === "back" ? "Put the rows back" : removal ? "Delete or empty them" : "Go on"}<//>`}>
      <p>${ask === "back"
        ? `What was deleted or emptied in the ${from} is written there again, as the ${to} still has it. The ${to} is left as it is.`
        : removal
          ? `The ${to} follows the ${from}: the same rows are deleted, or the same cells emptied, there. History keeps them, and you can undo it there.`
          : "The link looks at both sides again and goes on where it stopped. If it is not in order, it halts again."}</p>
      <${Problem} error=${act.error} />
    <//>`}
  </section>`;
}
