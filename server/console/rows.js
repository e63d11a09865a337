// The rows of one side of a link: to search, add, edit and delete, and live.
import { html, useState, useEffect, useRef, useMemo, useLoad, useAct, useAgain, to, toast, count, Button, Problem, Empty, Skeleton, Time, Dialog } from "./ui.js";
import { get, watch, uuid } from "./api.js";
import { may, onGoogle, sheetAddress } from "./session.js";
import { columnsOf, outsideOf, filterOf, orderOf, titleOf, lockOf, needed } from "./rows-values.js";
import { RowList, idOf, saveRow, deleteRow, restoreRow } from "./rows-list.js";
import { readView, writeView, Search, Chips, Filter, Order } from "./rows-filter.js";
import { RowDialog, Changed } from "./rows-edit.js";
import { Table, Cards } from "./rows-table.js";

// useNarrow reports whether there is only room for cards.
function useNarrow() {
  const media = useMemo(() => matchMedia("(max-width: 760px)"), []);
  const [narrow, set] = useState(media.matches);
  useEffect(() => {
    const changed = () => set(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return narrow;
}

export function Rows({ link, id, source, query }) {
  const table = useLoad(() => get(`/v1/tables/${encodeURIComponent(link.table)}`), [link.table]);
  const columns = useMemo(() => columnsOf(link, table.data), [table.data, JSON.stringify(link.columns), JSON.stringify(link.key)]);
  if (!table.data && !table.error) return html`<${Skeleton} lines=${9} />`;
  // A table that cannot be looked at has its rows shown as text all the same.
  return html`<${RowsOf} link=${link} id=${id} source=${source} query=${query} columns=${columns} outside=${outsideOf(link, table.data)} untyped=${table.error} retyped=${table.reload} />`;
}

function RowsOf({ link, id, source, query, columns, outside, untyped, retyped }) {
  const view = readView(query), narrow = useNarrow(), editable = may("EDITOR");
  const filter = filterOf(columns, view.search, view.filters), order = orderOf(view.sort);
  const [, tick] = useState(0);
  const list = useMemo(() => new RowList({ link: id, source, columns, filter, order, changed: () => tick((n) => n + 1) }), [id, source, columns, filter, order]);
  const shown = useRef(list); // the list before, until there is something of this one
  if (list.loading !== "first" || !shown.current.rows.length || shown.current.columns !== columns) shown.current = list;
  const stale = shown.current !== list;
  useEffect(() => {
    list.load();
    return () => list.close();
  }, [list]);
  const live = useLive(list, link);
  useAgain(list.error, () => list.load());
  const status = link.status || {}, troubles = `${link.state} ${status.conflicts} ${status.rowErrors}`, known = useRef(troubles);
  useEffect(() => {
    // Conflicts and errors come and go without a change of any row.
    if (known.current !== troubles && list.loading === "") list.load();
    known.current = troubles;
  }, [troubles]);
  const [open, setOpen] = useState(null); // {row} in a dialog, {} for a new one
  const [editing, setEditing] = useState(null); // {id, row, column} in the table
  const [changed, setChanged] = useState(null); // {base, mine, theirs}
  const [losing, setLosing] = useState(null); // a row whose deletion could not be undone altogether
  const [asked, setAsked] = useState(null); // {column, at} of the filter that is made or changed
  const [said, say] = useState("");
  const act = useAct();

  const show = (next) => location.replace(`${to("links", id, "rows", source)}${writeView({ ...view, ...next })}`);
  const withFilter = (at, filter) => show({ filters: at === undefined ? [...view.filters, filter] : view.filters.map((f, i) => (i === at ? filter : f)) });
  const withoutFilter = (at) => show({ filters: view.filters.filter((_, i) => i !== at) });
  const links = (row) => (row.syncState === "CONFLICT" ? html`<a href=${to("links", id, "sync")}>Settle it</a>` : row.syncState === "ERROR" ? html`<a href=${to("links", id, "sync")}>All errors</a>` : "");

  const edit = (rowId, column) => {
    if (!rowId) return setEditing(null);
    const row = list.find(rowId);
    if (row && !(editing && editing.id === rowId)) setEditing({ id: rowId, row, column });
  };
  const onSaved = (row, base) => {
    list.put(row, base ? idOf(base) : undefined);
    say(`${titleOf(row, columns)} is saved.`);
  };
  const onChanged = (error, base) => setChanged({ base, mine: error.mine, theirs: error.row });
  const takeTheirs = () => {
    list.put(changed.theirs, idOf(changed.base));
    setChanged(null);
    setEditing(null);
    setOpen(null);
    act.clear();
  };
  const writeAgain = () => act.act(async () => {
    const { base, mine, theirs } = changed;
    try {
      if (mine) {
        list.put(await saveRow(theirs, mine, uuid()), idOf(base));
        setEditing(null);
        setOpen(null);
      } else {
        await deleteNow(theirs);
      }
      setChanged(null);
    } catch (error) {
      if (error.status === 412 && error.row) setChanged({ base, mine, theirs: error.row });
      throw error;
    }
  });
  const deleteNow = async (row) => {
    await deleteRow(row, uuid());
    const back = list.drop(idOf(row)), key = uuid();
    setOpen(null);
    const undo = async () => {
      try {
        const writable = (c) => !lockOf(c, source) || needed(c, source);
        const restored = await restoreRow(list, row, { flows, more: outside.length > 0 && source === "database", key, writable });
        if (restored) back(restored);
        toast(restored ? `${titleOf(row, columns)} is back${lossy ? `, except for ${outside.join(", ")}` : ""}.` : `${titleOf(row, columns)} is back in the database, and follows here in a moment.`);
      } catch (error) {
        toast(`${titleOf(row, columns)} could not be put back: ${error.message}`, { label: "Try again", run: undo });
      }
    };
    toast(`Deleted ${titleOf(row, columns)}.`, { label: "Undo", run: undo });
  };
  // What stands in columns outside the link comes back from history, which has it once the deletion has flowed.
  const flows = link.state === "ACTIVE", lossy = source === "database" && outside.length > 0 && !flows;
  const onDelete = async (row, sure) => {
    if (!row || !row.name) return;
    if (lossy && sure !== true) return setLosing(row);
    setLosing(null);
    try {
      await deleteNow(row);
    } catch (error) {
      if (error.status === 412 && error.row) setChanged({ base: row, mine: null, theirs: error.row });
      else if (error.status === 404) {
        setOpen(null);
        list.drop(idOf(row));
        toast(`${titleOf(row, columns)} was already gone.`);
      } else toast(`${titleOf(row, columns)} was not deleted: ${error.message}`, { label: "Try again", run: () => onDelete(row, true) });
    }
  };

  const held = shown.current, narrowed = filter !== "";
  const common = { list: held, columns, source, editable, links };
  return html`
    ${untyped && html`<p class="note warn">The types of the columns are not known now, so that all are shown as text. ${untyped.message} <button type="button" class="linklike" onClick=${retyped}>Try again</button></p>`}
    <div class="tools">
      <${Search} value=${view.search} onSearch=${(search) => show({ search })} />
      <${Button} onClick=${() => setAsked({})} aria-haspopup="dialog">Filter<//>
      ${narrow && html`<${Order} columns=${columns} sort=${view.sort} onSort=${(sort) => show({ sort })} />`}
      ${editable && html`<${Button} kind="primary add" onClick=${() => setOpen({})} aria-haspopup="dialog" aria-label="Add row">${narrow ? "Add" : "Add row"}<//>`}
    </div>
    <${Chips} columns=${columns} filters=${view.filters} onRemove=${withoutFilter} onOpen=${(at) => setAsked({ at })} onClear=${() => show({ filters: [] })} />
    <${Standing} list=${held} source=${source} link=${link} live=${live} narrowed=${narrowed} onRefresh=${() => list.load(true)} />
    <${Problem} error=${list.error} retry=${() => list.load()} />
    <div class=${stale ? "stale" : ""} aria-busy=${list.loading ? "true" : "false"}>
      ${!held.rows.length && held.loading === "first" && !held.error && html`<${Skeleton} lines=${9} />`}
      ${!held.rows.length && !editing && !held.loading && !held.error && (narrowed
        ? html`<${Empty} title="Nothing found"><p>No row matches this search.</p><${Button} onClick=${() => show({ search: "", filters: [] })}>Show all rows<//><//>`
        : html`<${Empty} title="No rows yet"><p>${source === "sheet" ? "The tab has nothing below its header." : "The table is empty."}</p>
            ${editable && html`<${Button} kind="primary" onClick=${() => setOpen({})}>Add the first row<//>`}<//>`)}
      ${(held.rows.length > 0 || (editing && !narrow)) && (narrow
        ? html`<${Cards} ...${common} onOpen=${(row) => setOpen({ row })} />`
        : html`<${Table} ...${common} sort=${view.sort} onSort=${(sort) => show({ sort })} onFilter=${(column) => { const at = view.filters.findIndex((f) => f[0] === column); setAsked(at < 0 ? { column } : { at }); }}
            filtered=${(c) => view.filters.some((f) => f[0] === c.name)} editing=${editing} onEdit=${edit} onSaved=${onSaved} onDelete=${onDelete} onChanged=${onChanged} />`)}
    </div>
    ${held.next && held.rows.length > 0 && html`<div class="more"><${Button} busy=${held.loading === "more"} onClick=${() => held.more()}>Show more<//>
      <span class="dim">${held.total !== null ? `${held.rows.length.toLocaleString()} of ${held.total.toLocaleString()}` : ""}</span></div>`}
    <div class="hidden-label" role="status">${said}</div>
    ${open && html`<${RowDialog} key=${open.row ? idOf(open.row) : "new"} list=${list} row=${open.row || null} columns=${columns} source=${source} focus=${open.column}
      editable=${editable && (!open.row || !!open.row.name)} moved=${open.row && (list.find(idOf(open.row)) || open.row).etag !== open.row.etag} links=${open.row ? links(open.row) : ""}
      onClose=${() => setOpen(null)} onSaved=${(row) => { onSaved(row, open.row); if (!open.row) toast(`Added ${titleOf(row, columns)}.`); setOpen(null); }}
      onDelete=${() => onDelete(open.row)} onChanged=${(error) => onChanged(error, open.row)} />`}
    ${losing && html`<${Dialog} title=${`Delete ${titleOf(losing, columns)}?`} onClose=${() => setLosing(null)}
      foot=${html`<${Button} onClick=${() => setLosing(null)}>Keep it<//><${Button} kind="danger" onClick=${() => onDelete(losing, true)}>Delete it<//>`}>
      <p>You can undo this, but not for ${outside.length === 1 ? "the column" : "the columns"} of the table that this link does not have: <strong>${outside.slice(0, 8).join(", ")}${outside.length > 8 ? ` and ${outside.length - 8} more` : ""}</strong>. There, an undone row gets what the database fills in.</p><//>`}
    ${changed && html`<${Changed} editable=${editable} columns=${columns} ...${changed} busy=${act.busy} error=${act.error && act.error.status !== 412 ? act.error : null} onTake=${takeTheirs} onWrite=${writeAgain} onClose=${() => { setChanged(null); act.clear(); }} />`}
    ${asked && html`<${Filter} columns=${columns} column=${asked.column} filter=${asked.at === undefined ? null : view.filters[asked.at]} onClose=${() => setAsked(null)}
      onApply=${(f) => { withFilter(asked.at, f); setAsked(null); }} onRemove=${() => { withoutFilter(asked.at); setAsked(null); }} />`}`;
}

const halted = { NEW: "Nothing flows between the two sides before the initial sync.", PAUSED: "The link is paused: changes are noted, and flow when it is resumed.",
  HALTED: "The link has halted: changes do not flow until somebody decides what to do." };

// Standing says how many rows there are, of which moment, and whether changes show by themselves.
function Standing({ list, source, link, live, narrowed, onRefresh }) {
  return html`<div class="standing">
    <span>${list.total === null || list.total === undefined ? html`<span class="dim">…</span>` : `${count(list.total, "row")}${narrowed ? " found" : ""}`}</span>
    ${source === "sheet" && list.snapshot && html`<span class="dim">as of <${Time} at=${list.snapshot} /></span>`}
    <span class=${`live ${live ? "on" : ""}`} title=${live ? "Changes show by themselves." : "Changes do not show by themselves now."}>${live ? "live" : "not live"}</span>
    <button type="button" class="linklike" disabled=${!!list.loading} onClick=${onRefresh}>${list.loading === "again" ? "Refreshing…" : "Refresh"}</button>
    ${list.added.size > 0 && html`<button type="button" class="linklike strong" onClick=${() => list.load()}>Show ${count(list.added.size, "new row")}</button>`}
    ${source === "sheet" && html`<a class="open-sheet" href=${sheetAddress(link)} target="_blank" rel="noreferrer">${onGoogle ? "Open in Google Sheets" : "Open the sheet"}<span class="hidden-label"> (another window)</span></a>`}
    ${halted[link.state] && html`<span class="warn-text">${halted[link.state]} <a href=${to("links", link.name.split("/")[1], "sync")}>Sync</a></span>`}
  </div>`;
}

// useLive follows the changes of a link, and has shown rows that changed read anew, many in one call. While the page is hidden it
// rests; afterwards it goes on where it left off.
function useLive(list, link) {
  const [live, setLive] = useState(false);
  const current = useRef(list);
  current.current = list;
  const flows = useRef(true);
  flows.current = link.state === "ACTIVE";
  useEffect(() => {
    let stop = null, token = "", timer = 0, begun = false;
    const waiting = new Set();
    const flush = () => {
      timer = 0;
      const ids = new Set(waiting);
      waiting.clear();
      current.current.reread(ids);
    };
    const soon = (id) => {
      waiting.add(id);
      // The sheet is read as a whole, and reads are counted: what happens close together shares one.
      timer = timer || setTimeout(flush, current.current.source === "sheet" ? 1200 : 250);
    };
    const each = ({ change }) => {
      if (!change) return;
      const now = current.current, row = now.ofChange(change);
      if (row) soon(row.name);
      else if (change.kind === "INSERT") {
        now.added.add(now.nameOf(change));
        now.changed();
      }
    };
    const state = (on) => {
      setLive(on);
      // What changed between the first look at the rows and now was in no event.
      if (on && !begun) {
        begun = true;
        if (current.current.rows.length && !current.current.loading) current.current.load();
      }
    };
    const begin = () => {
      if (stop || document.hidden) return;
      stop = watch(`/v1/links/${encodeURIComponent(list.link)}/changes:watch`, { from: token, each, state, lost: () => current.current.load(), at: (last) => (token = last) });
    };
    const rest = () => {
      if (stop) stop();
      stop = null;
    };
    const seen = () => (document.hidden ? rest() : begin());
    begin();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(timer);
      rest();
    };
  }, [list.link]);
  useEffect(() => {
    // Rows on their way are looked at until they have arrived; without the stream, everything is.
    let timer, pause = 2000;
    const look = async () => {
      if (!document.hidden && !current.current.loading) {
        const pending = current.current.pending();
        if (!live && pause > 8000) await current.current.load();
        else if (pending.size && flows.current) await current.current.reread(new Set([...pending].slice(0, 50)));
        pause = live && !pending.size ? 2000 : Math.min(pause * 1.5, 15000);
      }
      timer = setTimeout(look, pause);
    };
    timer = setTimeout(look, pause);
    return () => clearTimeout(timer);
  }, [live]);
  return live;
}
