// The Sync page of a link: how it is, and all that a person may have to do about it.
import { html, Tabs, to } from "./ui.js";
import { State } from "./sync-state.js";
import { Halt } from "./sync-halt.js";
import { InitialSync } from "./sync-initial.js";
import { Conflicts } from "./sync-conflicts.js";
import { RowErrors } from "./sync-errors.js";
import { History } from "./sync-history.js";
import { Quota } from "./sync-quota.js";

export function Sync({ link, id, part = "", reload }) {
  const status = link.status || {};
  const at = (name) => (name ? to("links", id, "sync", name) : to("links", id, "sync"));
  return html`<div class="sync">
    ${link.state === "HALTED" && html`<${Halt} link=${link} id=${id} reload=${reload} />`}
    <${Tabs} label="Parts of Sync" items=${[
      { href: at(""), text: "Overview", current: !part },
      { href: at("conflicts"), text: "Conflicts", current: part === "conflicts", count: Number(status.conflicts || 0), kind: "warn" },
      { href: at("errors"), text: "Errors", current: part === "errors", count: Number(status.rowErrors || 0), kind: "warn" },
      { href: at("history"), text: "History", current: part === "history" },
    ]} />
    ${!part && html`<div class="sync-columns">
      <div>
        <${State} link=${link} id=${id} reload=${reload} />
        <${InitialSync} link=${link} id=${id} reload=${reload} />
      </div>
      <${Quota} link=${link} />
    </div>`}
    ${part === "conflicts" && html`<${Conflicts} link=${link} id=${id} reload=${reload} />`}
    ${part === "errors" && html`<${RowErrors} link=${link} id=${id} />`}
    ${part === "history" && html`<${History} link=${link} id=${id} reload=${reload} />`}
  </div>`;
}
