// The last step of a new link: what it would do, before it is made.
import { html, useEffect, useAct, Button, Problem, Skeleton, count, to } from "./ui.js";
import { post } from "./api.js";
import { draft, serverInfo } from "./session.js";
import { usePreview, sampled } from "./links-check.js";
import { Plan } from "./sync-initial.js";

export function Try({ link, id, table, sheet, tab, refused, wrong, back }) {
  const check = usePreview(link), act = useAct(), { preview, error, loading } = check;
  useEffect(() => {
    if (error?.fields?.length) refused(error);
  }, [error]);
  const make = () => act.act(async () => {
    try {
      await post(`/v1/links?link_id=${encodeURIComponent(id)}`, link);
    } catch (problem) {
      refused(problem);
      return;
    }
    draft.drop();
    location.replace(to("links", id, "sync")); // the way back does not lead to a link that is made
  });
  return html`
    <dl class="sync-facts panel">
      <div><dt>Table</dt><dd>${table.table}</dd></div>
      <div><dt>Spreadsheet</dt><dd>${sheet.title}</dd></div>
      <div><dt>Tab</dt><dd>${tab.title}${tab.create ? " (new)" : ""}</dd></div>
      <div><dt>Columns</dt><dd>${link.columns.length} of ${table.columns.length}</dd></div>
      <div><dt>Name and id</dt><dd>${link.displayName || id} · ${id}</dd></div>
    </dl>
    <${Problem} error=${wrong === error ? null : wrong} /><${Problem} error=${act.error} />
    <section class="panel link-try" aria-labelledby="link-try" aria-busy=${loading ? "true" : undefined}><h3 id="link-try">What the first sync would do</h3>
      ${!preview && loading && html`<p role="status">Comparing the rows of the tab with the table…</p><${Skeleton} lines=${6} />`}
      ${!loading && error && html`<${Problem} error=${error} retry=${check.again} />`}
      ${preview && html`<${Outcome} preview=${preview} table=${table} />`}</section>
    ${preview && html`<${Making} preview=${preview} table=${table} tab=${tab} />`}
    ${(preview || !loading) && html`<div class="link-next"><${Button} disabled=${act.busy} onClick=${back}>Change something<//>
      ${preview && html`<${Button} busy=${loading} disabled=${act.busy} onClick=${check.again}>Try again<//>`}
      <${Button} kind="primary" busy=${act.busy} disabled=${loading || !preview} onClick=${make}>Make the link<//></div>`}`;
}

// Outcome is the dry run in words.
function Outcome({ preview: p, table }) {
  const unfit = (p.columns || []).filter((c) => Number(c.refused || 0) > 0), refused = Number(p.counts?.refused || 0);
  return html`<p role="status">Nothing is written yet. ${sampled(p)} The table ${table.table} has ${count(p.tableRows, "row")}.</p>
    <${Plan} response=${p} />
    ${!p.complete && html`<p class="dim">Which rows the sheet lacks, only the whole tab tells: they are in the plan over all rows that is made after this.</p>`}
    ${refused > 0 && html`<p class="warn-text">${count(refused, "row")} cannot be carried over. The others go on without ${refused === 1 ? "it" : "them"}; open the line above to see why.</p>`}
    ${unfit.length > 0 && html`<p class="warn-text">Cells that do not fit: ${unfit.map((c) => `${Number(c.refused).toLocaleString()} of ${Number(c.checked).toLocaleString()} in ${c.header}`).join(", ")}.</p>`}
    ${!unfit.length && (p.columns || []).some((c) => Number(c.checked || 0) > 0) && html`<p class="ok-text">Every cell fits the type of its column.</p>`}`;
}

// Making says what making the link does, and what it leaves to the first sync.
function Making({ preview, table, tab }) {
  const steps = [preview.addsTab && `The tab “${tab.title.trim()}” is added to the spreadsheet.`,
    preview.writesHeaders && `${count((preview.columns || []).length, "header")} ${(preview.columns || []).length === 1 ? "is" : "are"} written into row ${tab.headerRow} of the tab.`].filter(Boolean);
  const triggers = !/^binlog/i.test(serverInfo().capture || "");
  return html`<section class="panel" aria-labelledby="link-making"><h3 id="link-making">What making the link does</h3>
    <ul class="link-making">${steps.map((text) => html`<li key=${text}>${text}</li>`)}
      <li>No row is written on either side${steps.length ? "" : ", and nothing in the sheet changes"}.</li>
      <li>Its page opens, where a plan over all rows is made and applied: the first sync. It begins by ${triggers ? `adding triggers to the table ${table.table}, which note changed rows, and by ` : ""}adding a hidden tab to the spreadsheet, which keeps writes safe. ${triggers ? "The triggers go when the link is deleted." : ""}</li></ul></section>`;
}
