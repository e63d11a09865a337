// Words and small parts that the pages of Sync and Links share.
import { html, useState } from "./ui.js";
import { brief } from "./rows-values.js";

export { useEvery } from "./ui.js";

export const sides = { DATABASE: "database", SHEET: "sheet" };
export const otherSide = { DATABASE: "SHEET", SHEET: "DATABASE" };

// side is a source as it is said, "" where none is given.
export const side = (source) => sides[source] || "";

// were is the past of "will be", by number.
export const were = (n) => (Number(n) === 1 ? "was" : "were");

export const policies = {
  LAST_WRITE_WINS: ["Last write wins", "The later change stands. Where the times do not tell, the preferred side does."],
  DATABASE_WINS: ["The database wins", "The value of the database stands."],
  SHEET_WINS: ["The sheet wins", "The value of the sheet stands."],
  MANUAL: ["A person decides", "Both values wait under Sync, and nothing is overwritten meanwhile. Other cells go on."],
  RULES: ["Rules decide", "The rules of the link decide, column by column. Columns without a rule go by the last write."],
};

export const owners = {
  SHARED: "Both sides",
  DATABASE: "Database only",
  SHEET: "Sheet only",
  IGNORED: "Nobody (left alone)",
};

// room is how much of a value is shown where many stand in a list.
export const room = 200;

// Value shows one value of a row, at most as much of it as is said.
export function Value({ value, most = Infinity }) {
  if (value === undefined) return html`<span class="dim">not there</span>`;
  if (value === null) return html`<span class="dim">empty</span>`;
  if (value === "") return html`<span class="dim">empty text</span>`;
  return html`<span class="sync-value">${brief(String(value), most)}</span>`;
}

// same compares two values of rows.
export const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

// valueOf reads what was typed for a column of a kind, as the API writes it. It fails with words for the person.
export function valueOf(kind, text) {
  if (kind === "BOOLEAN") return text === "true";
  if (kind === "INTEGER" || kind === "FLOAT" || kind === "YEAR") {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error("Write a number.");
    return number;
  }
  return text;
}

// seconds reads a duration of the API, "1.5s".
export const seconds = (duration) => parseFloat(duration || "0") || 0;

// plainly leaves out of a message which call of the API helps: the console has a button for it.
export const plainly = (message) => (message || "").replace(/\s*(To let it through|When it is in order again, continue with)[: ].*$/s, "").replace(" (0 more within the last hour)", "").replace(/;? ?decide about that first, with POST.*$/s, "");

// sentence begins with a capital and ends with a full stop.
export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : "");

// Aside is what few people need: closed until it is opened. open says how it begins; afterwards it is as people leave it.
export function Aside({ title, children, open }) {
  const [begins] = useState(!!open);
  return html`<details class="sync-aside" open=${begins}><summary>${title}</summary><div>${children}</div></details>`;
}
