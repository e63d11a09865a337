// The settings of a link that are not its columns: name, policy, limits, alerts.
import { html, Field } from "./ui.js";
import { policies, Aside, sentence } from "./sync-words.js";

export const defaults = () => ({ displayName: "", id: "", conflictPolicy: "LAST_WRITE_WINS", preferredSource: "DATABASE", updateTimeColumn: "", count: "10", percent: "20", showErrorsInSheet: true, showStatusInSheet: true, alertUrl: "" });

// choicesOf reads the settings of a link into the form.
export const choicesOf = (link) => ({
  displayName: link.displayName || "", conflictPolicy: link.conflictPolicy, preferredSource: link.preferredSource, updateTimeColumn: link.updateTimeColumn || "",
  count: String(link.deleteLimit?.count ?? 10), percent: String(link.deleteLimit?.percent ?? 20),
  showErrorsInSheet: link.showErrorsInSheet !== false, showStatusInSheet: link.showStatusInSheet !== false, alertUrl: link.alertUrl || "",
});

// choicesSent writes the form as the API takes it.
export const choicesSent = (c) => ({
  displayName: c.displayName.trim(), conflictPolicy: c.conflictPolicy, preferredSource: c.preferredSource, updateTimeColumn: c.updateTimeColumn,
  deleteLimit: { count: Number(c.count), percent: Number(c.percent) },
  showErrorsInSheet: c.showErrorsInSheet, showStatusInSheet: c.showStatusInSheet, alertUrl: c.alertUrl.trim(),
});

// choicesWrong says what is wrong with the numbers of the form, by field.
export function choicesWrong(c) {
  const whole = (text, most) => /^\d{1,9}$/.test(String(text).trim()) && Number(text) <= most;
  return { ...(!whole(c.count, 1e9) && { count: "Write a whole number, 0 or more." }), ...(!whole(c.percent, 100) && { percent: "Write a whole number from 0 to 100." }) };
}

// atFields reports whether all that the server refused is said at fields of this form.
export const atFields = (error) => !!error?.fields?.length && error.fields.every((f) => /(^|\.)(display_name|link_id|alert_url)$/.test(f.field));

// choicesMask names the fields that choicesSent writes.
export const choicesMask = "displayName,conflictPolicy,preferredSource,updateTimeColumn,deleteLimit,showErrorsInSheet,showStatusInSheet,alertUrl";

const field = { displayName: "display_name", conflictPolicy: "conflict_policy", updateTimeColumn: "update_time_column", alertUrl: "alert_url" };

// Choices is the form. making: the link is not there yet, and its id is asked for too.
export function Choices({ choices: c, set, table, taken = new Set(), error, making }) {
  const put = (name) => (e) => set({ ...c, [name]: e.target.type === "checkbox" ? e.target.checked : e.target.value, ...(making && (name === "displayName" || name === "id") && { named: true }) });
  const wrong = (name) => sentence(error?.of?.(field[name] || name) || "");
  const times = (table?.columns || []).filter((x) => x.kind === "TIMESTAMP" || x.kind === "DATETIME");
  const idWrong = taken.has(c.id) ? "There is a link with this id already." : c.id && !/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(c.id) ? "Small letters, digits and hyphens, up to 40; it begins with a letter." : error?.reason === "LINK_EXISTS" ? "There is a link with this id already." : error?.of?.("link_id");
  const numbers = choicesWrong(c), tooBig = !numbers.count && !numbers.percent && Number(c.count) === 0 && Number(c.percent) === 0;
  return html`<div class="link-form">
    <${Field} label="Name" hint="How people call it." error=${wrong("displayName")}>${(a) => html`<input ...${a} maxlength="100" autocomplete="off" value=${c.displayName} onInput=${put("displayName")} />`}<//>
    ${making && html`<${Field} label="Id" hint="Stands in addresses and in the API. It cannot be changed later." error=${idWrong}>${(a) => html`<input ...${a} maxlength="40" autocomplete="off" autocapitalize="none" spellcheck=${false} value=${c.id} onInput=${put("id")} />`}<//>`}
    <fieldset class="link-choice"><legend class="legend">When both sides changed the same cell</legend>
      ${Object.entries(policies).filter(([value]) => !making || value !== "RULES").map(([value, [text, about]]) => html`<label key=${value} class="sync-check"><input type="radio" name="policy" value=${value} checked=${c.conflictPolicy === value} onChange=${put("conflictPolicy")} /><span>${text}<span class="hint">${about}</span></span></label>`)}
      ${making && html`<p class="hint">Rules can be written in the settings once the link is made. A column can have a policy of its own.</p>`}
    </fieldset>
    <${Field} label="The preferred side" hint="Its value stands where no change time decides.">${(a) => html`<select ...${a} value=${c.preferredSource} onChange=${put("preferredSource")}><option value="DATABASE">The database</option><option value="SHEET">The sheet</option></select>`}<//>
    ${times.length > 0 && html`<${Field} label="Column with the time of the last change" hint="If the table keeps one that every program sets, such as updated_at. Otherwise the time counts at which Tandem noticed the change." error=${wrong("updateTimeColumn")}>${(a) => html`<select ...${a} value=${c.updateTimeColumn} onChange=${put("updateTimeColumn")}><option value="">none</option>${times.map((x) => html`<option key=${x.name} value=${x.name}>${x.name}</option>`)}</select>`}<//>`}
    <fieldset class="link-choice"><legend class="legend">Stop when too much is deleted</legend>
      <p class="hint">The link halts, and asks you, when more rows than this and more than this share of all rows are deleted or emptied on one side within an hour.</p>
      <div class="link-pair">
        <${Field} label="Rows" error=${numbers.count}>${(a) => html`<input ...${a} type="number" min="0" inputmode="numeric" value=${c.count} onInput=${put("count")} />`}<//>
        <${Field} label="Percent of all rows" error=${numbers.percent}>${(a) => html`<input ...${a} type="number" min="0" max="100" inputmode="numeric" value=${c.percent} onInput=${put("percent")} />`}<//>
      </div>
      ${tooBig && html`<p class="hint">0 and 0 means the usual: 10 rows and 20 percent.</p>`}
    </fieldset>
    <label class="sync-check"><input type="checkbox" checked=${c.showErrorsInSheet} onChange=${put("showErrorsInSheet")} /><span>Mark refused rows in the sheet<span class="hint">The cell gets a note and a colour until it is accepted.</span></span></label>
    <label class="sync-check"><input type="checkbox" checked=${c.showStatusInSheet} onChange=${put("showStatusInSheet")} /><span>Say in the sheet when both sides were last equal<span class="hint">As a note on the first header.</span></span></label>
    <${Aside} title="Alerts" open=${!!c.alertUrl || !!wrong("alertUrl")}><${Field} label="Address that is called" hint="It gets a POST when the link halts, stalls or recovers. Empty: the server's own, if it has one." error=${wrong("alertUrl")}>${(a) => html`<input ...${a} type="url" maxlength="2000" autocomplete="off" placeholder="https://…" value=${c.alertUrl} onInput=${put("alertUrl")} />`}<//><//>
  </div>`;
}
