// How a link is, in words; pause and resume.
import { html, useAct, Button, Problem, Time, span, count, toast, to } from "./ui.js";
import { post } from "./api.js";
import { may, sheetAddress } from "./session.js";
import { seconds, sentence, plainly } from "./sync-words.js";

const ways = {
  APPS_SCRIPT: "by the sheet's Apps Script",
  DRIVE_CHANGES: "by Google Drive",
  POLL: "when the tab was read in its turn",
  COMPARE: "by the full compare",
};

// inWords says how a link is, in one or two sentences.
function inWords(link) {
  const status = link.status || {}, waiting = Number(status.pendingRows || 0);
  switch (link.state) {
    case "NEW":
      return "Nothing flows yet. An initial sync compares both sides and brings them in step; it begins with a plan, which changes nothing.";
    case "INITIAL_SYNC":
      return "The first initial sync is under way.";
    case "PAUSED":
      return "The link is paused: changes are noted, and flow when it is resumed.";
    case "HALTED":
      return "The link stopped itself. Nothing flows until somebody decides about what is shown above.";
  }
  if (waiting) return `${count(waiting, "row")} ${waiting === 1 ? "is" : "are"} on the way to the other side.`;
  return Number(status.conflicts) || Number(status.rowErrors) ? "Apart from what is listed below, both sides are in step." : "Both sides are in step.";
}

export function State({ link, id, reload }) {
  const act = useAct(), status = link.status || {}, hint = status.lastHint;
  const move = (verb, said) => act.act(async () => {
    await post(`/v1/links/${id}:${verb}`);
    await reload();
    toast(said);
  });
  const open = [
    Number(status.conflicts) > 0 && html`<li><a href=${to("links", id, "sync", "conflicts")}>${count(status.conflicts, "row is", "rows are")} in conflict</a></li>`,
    Number(status.rowErrors) > 0 && html`<li><a href=${to("links", id, "sync", "errors")}>${count(status.rowErrors, "row is", "rows are")} refused by a side</a></li>`,
  ].filter(Boolean);
  return html`<section class="panel" aria-labelledby="sync-state">
    <div class="sync-title"><h2 id="sync-state">State</h2>
      ${may("ADMIN") && link.state === "ACTIVE" && html`<${Button} busy=${act.busy} onClick=${() => move("pause", "Paused. Changes are noted meanwhile.")}>Pause<//>`}
      ${may("ADMIN") && link.state === "PAUSED" && html`<${Button} kind="primary" busy=${act.busy} onClick=${() => move("resume", "Changes flow again.")}>Resume<//>`}
    </div>
    <p class="sync-lead" role="status">${inWords(link)}</p>
    ${open.length > 0 && html`<ul class="sync-open">${open}</ul>`}
    <${Problem} error=${act.error} />
    ${status.lastError && html`<div class="problem"><p><strong>The last try failed.</strong> ${sentence(plainly(status.lastError))}</p><p>It is tried again by itself.</p></div>`}
    <dl class="sync-facts">
      <div><dt>Equal as of</dt><dd>${status.equalAsOf ? html`<${Time} at=${status.equalAsOf} />` : "not yet"}</dd></div>
      <div><dt>Behind</dt><dd>${link.state === "NEW" ? "–" : seconds(status.lag) ? span(seconds(status.lag)) : "nothing waits"}</dd></div>
      <div><dt>Rows on the way</dt><dd>${link.state === "NEW" ? "–" : Number(status.pendingRows || 0).toLocaleString()}</dd></div>
      <div class="wide"><dt>Last edit seen in the sheet</dt><dd>${hint && hint.time ? html`<${Time} at=${hint.time} />${hint.delay ? `, ${span(seconds(hint.delay))} after it was made` : ""}${ways[hint.path] ? html`<span class="dim"> ${ways[hint.path]}</span>` : ""}` : "none yet"}</dd></div>
      <div><dt>Table and tab</dt><dd>${link.table} ↔ <a href=${sheetAddress(link)} target="_blank" rel="noreferrer">${link.tab}<span class="hidden-label"> (another window)</span> ↗</a></dd></div>
    </dl>
  </section>`;
}
