// How a value of a column is shown, typed, and sent. What a column can hold comes from the table; Row.values in the proto says how
// each kind is written.

const numbers = new Set(["INTEGER", "BIGINT", "DECIMAL", "FLOAT", "YEAR"]);
const words = new Set(["TEXT", "JSON", "BYTES", "TIME"]);

export const isNumber = (column) => numbers.has(column.kind);

// columnsOf returns the columns of a link, key first, each with its type; without the table, all count as text.
export function columnsOf(link, table) {
  const linked = new Map((link.columns || []).filter((c) => c.owner !== "IGNORED").map((c) => [c.column, c]));
  const typed = ((table && table.columns) || []).filter((c) => linked.has(c.name));
  const untyped = [...linked.keys()].filter((name) => !typed.some((c) => c.name === name)).map((name) => ({ name, kind: "TEXT", nullable: true }));
  const all = [...typed, ...untyped].map((c) => ({
    ...c, length: Number(c.length || 0), owner: linked.get(c.name).owner, header: linked.get(c.name).header, paused: linked.get(c.name).paused,
    key: (link.key || []).indexOf(c.name) + 1,
  }));
  return [...all.filter((c) => c.key).sort((a, b) => a.key - b.key), ...all.filter((c) => !c.key)];
}

// outsideOf are the names of the table's columns that the link does not have, and that the database does not compute.
export const outsideOf = (link, table) => ((table && table.columns) || []).filter((c) => !c.generated && !(link.columns || []).some((l) => l.column === c.name)).map((c) => c.name);

// lockOf says why a column cannot be changed on a side, "" when it can.
export function lockOf(column, source) {
  if (column.generated) return "the database computes it";
  if (source === "database" && column.owner === "SHEET") return "it is changed in the sheet";
  if (source === "sheet" && column.owner === "DATABASE") return "it is changed in the database";
  return "";
}

// needed reports whether a new row must have a value in a column.
export function needed(column, source) {
  if (column.generated) return false;
  if (source === "sheet" && column.key) return true;
  return !column.nullable && !column.hasDefault && !column.autoIncrement;
}

// titleOf is what a row is called: its first text, else its key.
export function titleOf(row, columns) {
  const named = columns.find((c) => !c.key && (c.kind === "TEXT") && row.values && row.values[c.name]);
  return brief(named ? String(row.values[named.name]) : keyOf(row, columns), 60);
}

// brief is the beginning of a text where there is no room for more.
export const brief = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);

export const keyOf = (row, columns) => columns.filter((c) => c.key).map((c) => show(c, (row.values || {})[c.name])).join(" · ");

// show is a value as people read it; empty cells are "".
export function show(column, value) {
  if (value === null || value === undefined) return "";
  switch (column.kind) {
    case "BOOLEAN":
      return value === true ? "yes" : value === false ? "no" : String(value);
    case "DATETIME":
      return String(value).replace("T", " ").replace(/\.0+$/, "");
    case "TIMESTAMP":
      return String(value).replace("T", " ").replace(/\.0+Z$/, "Z").replace("Z", " UTC");
    default:
      return String(value);
  }
}

// toText is a value as it stands in an input; fromText turns it back. What nobody touched comes back as it was.
export function toText(column, value) {
  if (value === null || value === undefined) return "";
  if (column.kind === "TIMESTAMP") return String(value).replace(/Z$/, "");
  return String(value);
}

export function fromText(column, text) {
  const trimmed = text.trim();
  switch (column.kind) {
    case "INTEGER": case "FLOAT": case "YEAR":
      if (trimmed === "") return null;
      return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
    case "BOOLEAN":
      return trimmed === "true" ? true : trimmed === "false" ? false : trimmed === "" ? null : trimmed;
    case "TIMESTAMP":
      return trimmed === "" ? null : withSeconds(trimmed) + (/(z|[+-]\d\d:?\d\d)$/i.test(trimmed) ? "" : "Z");
    case "DATETIME":
      return trimmed === "" ? null : withSeconds(trimmed);
    case "TEXT":
      return text === "" && column.nullable ? null : text;
    default:
      return trimmed === "" ? null : trimmed;
  }
}

// withSeconds adds the seconds that browsers leave out when they are zero.
const withSeconds = (text) => (/T\d\d:\d\d$/.test(text) ? `${text}:00` : text);

const ranges = { tinyint: 128, smallint: 32768, mediumint: 8388608, int: 2147483648, integer: 2147483648 };

// limitsOf are the least and the greatest number of a column, when its type says so.
export function limitsOf(column) {
  if (column.kind === "YEAR") return { min: 1901, max: 2155 };
  if (column.kind === "INTEGER") {
    const half = ranges[(column.nativeType || "").toLowerCase().match(/^[a-z]*/)[0]] || 2147483648;
    return column.unsigned ? { min: 0, max: half * 2 - 1 } : { min: -half, max: half - 1 };
  }
  if (column.kind === "DECIMAL" && column.precision && column.precision <= 15) {
    const max = Number("9".repeat(column.precision - column.scale) + (column.scale ? `.${"9".repeat(column.scale)}` : "")) || 0;
    return { min: column.unsigned ? 0 : -max, max };
  }
  return column.unsigned ? { min: 0 } : {};
}

// hintOf says what may stand in a column.
export function hintOf(column) {
  const { min, max } = limitsOf(column);
  switch (column.kind) {
    case "INTEGER": case "YEAR":
      return `${min.toLocaleString()} to ${max.toLocaleString()}`;
    case "BIGINT":
      return column.unsigned ? "0 or more" : "";
    case "DECIMAL":
      if (!column.precision) return "a decimal number";
      return max !== undefined ? `${min.toLocaleString()} to ${max.toLocaleString(undefined, { minimumFractionDigits: column.scale })}` : `${column.precision} digits, ${column.scale} of them decimals`;
    case "TEXT":
      return column.length && column.length <= 100 ? `up to ${column.length.toLocaleString()} characters` : "";
    case "TIMESTAMP":
      return "in UTC";
    case "TIME":
      return "such as 18:30:00";
    case "JSON":
      return "JSON";
    case "BYTES":
      return "bytes, in base64";
    default:
      return "";
  }
}

// kindOfInput is how a column is typed: "check", "choice", "area", or the type of an <input> with its limits. A value that the
// browser's own picker cannot hold is typed as text.
export function inputOf(column, text) {
  const { min, max } = limitsOf(column);
  switch (column.kind) {
    case "BOOLEAN":
      return column.nullable || !["true", "false", ""].includes(text)
        ? { kind: "choice", choices: [["true", "yes"], ["false", "no"]] } : { kind: "check" };
    case "ENUM":
      return { kind: "choice", choices: (column.enumValues || []).map((v) => [v, v]) };
    case "INTEGER": case "YEAR":
      return { kind: "input", type: "number", step: "1", min, max, inputmode: "numeric" };
    case "FLOAT":
      return { kind: "input", type: "number", step: "any", inputmode: "decimal" };
    case "DECIMAL":
      if (!column.precision || column.precision > 15) return { kind: "input", type: "text", inputmode: "decimal" };
      return { kind: "input", type: "number", step: column.scale ? `0.${"0".repeat(column.scale - 1)}1` : "1", min, max, inputmode: "decimal" };
    case "BIGINT":
      return { kind: "input", type: "text", inputmode: "numeric" };
    case "DATE":
      return { kind: "input", type: text === "" || /^(?!0000)\d{4}-(?!00)\d\d-(?!00)\d\d$/.test(text) ? "date" : "text", max: "9999-12-31" };
    case "DATETIME": case "TIMESTAMP":
      if (column.fractionDigits > 3 || (text !== "" && !/^(?!0000)\d{4}-(?!00)\d\d-(?!00)\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(text))) return { kind: "input", type: "text" };
      return { kind: "input", type: "datetime-local", step: column.fractionDigits ? "0.001" : "1", max: "9999-12-31T23:59:59.999" };
    case "JSON": case "BYTES":
      return { kind: "area", mono: true };
    case "TEXT":
      return column.length === 0 || column.length > 255 || text.includes("\n") ? { kind: "area" } : { kind: "input", type: "text" };
    default:
      return { kind: "input", type: "text" };
  }
}

// widthOf is the class that gives a column its room in the table, and how many rem that is.
export function widthOf(column) {
  const widths = { INTEGER: 6, YEAR: 5.5, BIGINT: 6, DECIMAL: 6.5, FLOAT: 6.5, BOOLEAN: 5, DATE: 9, DATETIME: 13.5, TIMESTAMP: 14.5, TIME: 7, ENUM: 8.5, JSON: 16, BYTES: 12 };
  const shortest = Math.min(column.name.length * 0.55 + (isNumber(column) ? 3.6 : 1.5), 12);
  return Math.max(shortest, widths[column.kind] || (column.length && column.length <= 24 ? 8 : column.length && column.length <= 100 ? 10 : 12));
}

// The language of filters: names stand between backticks, texts between quotes.
const nameIn = (name) => `\`${name.replaceAll("`", "``")}\``;
const textIn = (text) => `"${String(text).replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;

const same = [["=", "is"], ["!=", "is not"]];
const sides = [["<", "is less than"], ["<=", "is at most"], [">", "is more than"], [">=", "is at least"]];
const times = [["<", "is before"], [">=", "is from"], [">", "is after"], ["<=", "is up to"]];
const none = [["empty", "is empty"], ["filled", "is not empty"]];

// comparisonsOf are the ways in which a column can be filtered: [operator, words].
export function comparisonsOf(column) {
  if (column.kind === "BOOLEAN") return [["=", "is"], ...none];
  if (column.kind === "ENUM") return [...same, ...none];
  if (numbers.has(column.kind)) return [...same, ...sides, ...none];
  if (["DATE", "DATETIME", "TIMESTAMP"].includes(column.kind)) return [...same, ...times, ...none];
  return [[":", "contains"], ...same, ...none];
}

export const needsValue = (operator) => operator !== "empty" && operator !== "filled";

// wordsOf is a filter as people read it.
export function wordsOf(column, [, operator, value]) {
  const found = comparisonsOf(column).find(([o]) => o === operator);
  const shown = column.kind === "BOOLEAN" ? show(column, value === "true") : value;
  return `${column.name} ${found ? found[1] : operator}${needsValue(operator) ? ` ${shown}` : ""}`;
}

// filterOf writes a search and filters [column, operator, value] in the language of filters.
export function filterOf(columns, search, filters) {
  const parts = [];
  const text = search.trim();
  if (text) {
    const keys = /^-?\d{1,18}$/.test(text) ? columns.filter((c) => c.key && (c.kind === "BIGINT" || (c.kind === "INTEGER" && Math.abs(Number(text)) < 2 ** 31))) : [];
    const found = [...(columns.some((c) => words.has(c.kind) || c.kind === "ENUM") ? [textIn(text)] : []), ...keys.map((c) => `${nameIn(c.name)} = ${text}`)];
    parts.push(found.length ? `(${found.join(" OR ")})` : textIn(text));
  }
  for (const [name, operator, value] of filters) {
    const column = columns.find((c) => c.name === name);
    if (!column) continue;
    if (operator === "empty") parts.push(`${nameIn(name)} = null`);
    else if (operator === "filled") parts.push(`${nameIn(name)}:*`);
    else parts.push(`${nameIn(name)} ${operator} ${textIn(value)}`);
  }
  return parts.join(" AND ");
}

// rowsFilter wants certain rows, by their keys.
export function rowsFilter(columns, rows) {
  const keys = columns.filter((c) => c.key);
  return rows.map((row) => `(${keys.map((c) => `${nameIn(c.name)} = ${textIn(row.values[c.name])}`).join(" AND ")})`).join(" OR ");
}

export const orderOf = (sort) => (sort ? `${nameIn(sort.replace(/^-/, ""))}${sort.startsWith("-") ? " desc" : ""}` : "");
