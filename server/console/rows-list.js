// The rows of one source that are shown: read page by page, read anew when they changed, and marked where they did.
import { get, call, remove } from "./api.js";
import { rowsFilter } from "./rows-values.js";

const pageSize = 50;
const longest = 1000; // rows that one call returns
const comparisons = 100; // that one filter holds
const markFor = 6000; // ms

// idOf tells rows apart, also those of the sheet that have no usable key.
export const idOf = (row) => row.name || `position ${row.position}`;

export class RowList {
  // source is "database" or "sheet"; changed is called whenever something about the list is another.
  constructor({ link, source, columns, filter, order, changed }) {
    Object.assign(this, { link, source, columns, filter, order, changed });
    this.path = `/v1/links/${encodeURIComponent(link)}/sources/${source}/rows`;
    this.rows = [];
    this.total = null;
    this.next = "";
    this.snapshot = "";
    this.loading = "first"; // "first", "more", "again" or ""
    this.error = null;
    this.added = new Set(); // names of rows that came to be and are not shown
    this.marks = new Map(); // id -> columns that changed, "new" or "gone"
    this.stop = new AbortController();
    this.turn = 0;
  }

  close() {
    this.stop.abort();
  }

  // read asks for rows; a fresh answer shows the sheet as it is now.
  read(query, age) {
    return get(this.path, { ...query, maxStaleness: this.source === "sheet" ? age : "" }, { signal: this.stop.signal });
  }

  // load reads the list from its beginning, as many rows as are shown.
  async load(fresh) {
    const mine = ++this.turn, first = !this.rows.length;
    this.loading = first ? "first" : "again";
    this.changed();
    try {
      const size = Math.min(longest, Math.max(pageSize, this.rows.length));
      const page = await this.read({ pageSize: size, filter: this.filter, orderBy: this.order, showTotal: true }, fresh ? "0s" : "");
      if (mine !== this.turn) return;
      const before = new Map(this.rows.map((row) => [idOf(row), row]));
      this.rows = page.rows || [];
      if (!first) for (const row of this.rows) this.compare(before.get(idOf(row)), row);
      Object.assign(this, { total: page.totalSize, next: page.nextPageToken || "", snapshot: page.snapshotTime, error: null });
      this.added.clear();
    } catch (error) {
      if (error.name === "AbortError" || mine !== this.turn) return;
      this.error = error;
    }
    this.loading = "";
    this.changed();
  }

  // more reads the next page.
  async more() {
    if (!this.next || this.loading) return;
    const mine = ++this.turn;
    this.loading = "more";
    this.changed();
    try {
      const page = await this.read({ pageSize, pageToken: this.next, filter: this.filter, orderBy: this.order }, "");
      if (mine !== this.turn) return;
      const there = new Set(this.rows.map(idOf));
      this.rows = [...this.rows, ...(page.rows || []).filter((row) => !there.has(idOf(row)))];
      Object.assign(this, { next: page.nextPageToken || "", error: null });
    } catch (error) {
      if (error.name === "AbortError" || mine !== this.turn) return;
      this.error = error;
    }
    this.loading = "";
    this.changed();
  }

  // reread reads certain rows anew, in one call, and marks what is another. It leaves the list itself as it stands: no row moves
  // under anybody's eyes.
  async reread(ids) {
    const wanted = this.rows.filter((row) => row.name && ids.has(row.name));
    if (!wanted.length || this.loading) return;
    const keys = this.columns.filter((c) => c.key).length || 1;
    if (wanted.length * keys > comparisons) return this.load();
    const mine = this.turn;
    try {
      const page = await this.read({ pageSize: longest, filter: rowsFilter(this.columns, wanted) }, "1s");
      if (mine !== this.turn) return;
      const found = new Map((page.rows || []).map((row) => [row.name, row]));
      for (const row of wanted) {
        const now = found.get(row.name);
        if (now) this.put(now);
        else if (this.find(row.name) === row) this.leave(row.name);
      }
      if (this.source === "sheet") this.snapshot = page.snapshotTime;
      this.changed();
    } catch {
      // What is shown stays as it was; the list says whether it is live.
    }
  }

  find(id) {
    return this.rows.find((row) => idOf(row) === id);
  }

  // nameOf is the name of the row that a change is of, on this side.
  nameOf(change) {
    return `links/${this.link}/sources/${this.source}/rows/${(change.row || "").split("/rows/")[1]}`;
  }

  // ofChange finds the row that a change is of, by the key that it has or had.
  ofChange(change) {
    const name = this.nameOf(change), named = this.rows.find((row) => row.name === name);
    if (named || !change.before) return named;
    const keys = this.columns.filter((c) => c.key);
    return this.rows.find((row) => row.name && keys.length && keys.every((c) => JSON.stringify(row.values[c.name]) === JSON.stringify(change.before[c.name])));
  }

  // put shows a row as it is now, in its place, or first when it had none.
  put(row, before = row.name) {
    const at = this.rows.findIndex((r) => idOf(r) === before);
    this.added.delete(row.name); // its change may have been told before its making was
    if (at < 0) {
      this.rows = [row, ...this.rows];
      if (this.total !== null) this.total++;
      this.mark(idOf(row), "new");
    } else {
      this.compare(this.rows[at], row);
      this.rows = this.rows.map((r, i) => (i === at ? row : r));
    }
    this.changed();
  }

  // drop takes a row out at once, and returns what puts it back where it was.
  drop(id) {
    const at = this.rows.findIndex((r) => idOf(r) === id);
    if (at < 0) return () => {};
    this.rows = this.rows.filter((r) => idOf(r) !== id);
    if (this.total !== null) this.total--;
    this.changed();
    return (row) => {
      this.added.delete(row.name);
      this.rows = [...this.rows.slice(0, at), row, ...this.rows.slice(at)].filter((r, i, all) => all.findIndex((o) => idOf(o) === idOf(r)) === i);
      if (this.total !== null) this.total++;
      this.mark(idOf(row), "new");
      this.changed();
    };
  }

  // leave shows for a moment that a row is gone, and then takes it out.
  leave(id) {
    this.marks.set(id, "gone");
    setTimeout(() => {
      this.marks.delete(id);
      this.drop(id);
    }, 2500);
  }

  compare(before, now) {
    if (!before) return this.mark(idOf(now), "new");
    const other = this.columns.filter((c) => JSON.stringify(before.values[c.name]) !== JSON.stringify(now.values[c.name])).map((c) => c.name);
    if (other.length) this.mark(idOf(now), other);
  }

  mark(id, what) {
    this.marks.set(id, what);
    setTimeout(() => {
      if (this.marks.get(id) !== what) return;
      this.marks.delete(id);
      this.changed();
    }, markFor);
  }

  // pending are the shown rows whose change is on its way to the other side.
  pending() {
    return new Set(this.rows.filter((row) => row.name && row.syncState === "PENDING").map((row) => row.name));
  }
}

const pathOf = (row) => `/v1/${row.name}`;

// saveRow changes columns of a row, provided it is the one with this etag.
export const saveRow = (row, values, key) => call("PATCH", pathOf(row), { body: { values }, etag: row.etag, key });

export const addRow = (list, values, key) => call("POST", list.path, { body: { values }, key });

export const deleteRow = (row, key) => remove(pathOf(row), { etag: row.etag, key });

// restoreRow brings a deleted row back and returns it, null where it is on its way. History knows the whole of it once the deletion
// has reached the other side; before that, it is added as it was shown, unless more would be missing: more says so.
export async function restoreRow(list, row, { flows, more, key, writable }) {
  const suffix = row.name.split("/rows/")[1];
  for (let attempt = 0; flows && attempt < (list.source === "sheet" || more ? 8 : 1); attempt++) {
    if (attempt) await pause(700);
    const { changes = [] } = await get(`/v1/links/${encodeURIComponent(list.link)}/changes`, { row: suffix, pageSize: 1 });
    const last = changes[0];
    if (!last || last.kind !== "DELETE" || !sameBefore(list, last.before, row)) continue;
    const { results = [] } = await call("POST", `/v1/links/${encodeURIComponent(list.link)}/changes:revert`, { body: { changes: [last.name] } });
    if (results[0] && results[0].error) throw new Error(results[0].error.message);
    return arrived(list, row);
  }
  if (flows && more) throw new Error("The deletion is still on its way to the sheet, and only after it history has the whole row. Try again in a moment.");
  const values = {};
  for (const column of list.columns) if (writable(column) && row.values[column.name] !== null) values[column.name] = row.values[column.name];
  return addRow(list, values, key);
}

const sameBefore = (list, before, row) => before && list.columns.every((c) => !(c.name in before) || JSON.stringify(before[c.name] ?? null) === JSON.stringify(row.values[c.name] ?? null));

// arrived waits until a row that was put back stands on this side, too.
async function arrived(list, row) {
  for (let attempt = 0; attempt < 8; attempt++) {
    try {
      return await get(pathOf(row), { maxStaleness: list.source === "sheet" ? "0s" : "" });
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    await pause(900);
  }
  return null;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
