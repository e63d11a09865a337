// What a link would do that is not made: asked for while its settings are edited, and said in words.
import { html, useState, useEffect, useRef, Problem, count } from "./ui.js";
import { post } from "./api.js";
import { sentence } from "./sync-words.js";

// usePreview asks what a link would do, again whenever it is edited: {preview, error, loading, again}. Nothing is asked while link is
// null. An answer that comes too late is dropped; the one before stays meanwhile, as long as it is about the same tab and table.
export function usePreview(link) {
  const [state, set] = useState({ preview: null, about: "", error: null, loading: !!link }), [tries, setTries] = useState(0);
  const asked = useRef(false), key = link && JSON.stringify(link), about = link && JSON.stringify({ ...link, columns: null });
  useEffect(() => {
    if (!key) {
      set((now) => ({ ...now, error: null, loading: false }));
      return undefined;
    }
    const stop = new AbortController();
    set((now) => ({ ...now, loading: true }));
    const ask = async () => {
      asked.current = true;
      try {
        const preview = await post("/v1/links:preview", { link: JSON.parse(key) }, { signal: stop.signal });
        if (!stop.signal.aborted) set({ preview, about, error: null, loading: false });
      } catch (error) {
        if (!stop.signal.aborted) set({ preview: null, about, error, loading: false });
      }
    };
    const timer = setTimeout(ask, asked.current ? 600 : 0); // the first time nobody types
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, tries]);
  return { ...state, preview: state.about === about ? state.preview : null, again: () => setTries(tries + 1) };
}

// sampled says which rows of the tab were looked at.
export function sampled(preview) {
  const rows = Number(preview.tabRowsChecked || 0);
  if (!preview.complete) return `The first ${count(rows, "row")} of the tab ${rows === 1 ? "was" : "were"} looked at; it has more.`;
  if (!rows) return preview.addsTab ? "The tab is new: there are no rows in it yet." : "The tab has no rows yet.";
  return rows === 1 ? "The only row of the tab was looked at." : `All ${rows.toLocaleString()} rows of the tab were looked at.`;
}

// ofColumns are the places of columns that an error is about, with what is wrong; none when it is about other things too.
function ofColumns(error) {
  const fields = (error?.fields || []).map((f) => [Number(/^link\.columns\[(\d+)\]/.exec(f.field)?.[1] ?? -1), sentence(f.description)]);
  return fields.some(([at]) => at < 0) ? [] : fields;
}

// unlinkable says what is wrong with the columns that were sent, by column.
export const unlinkable = (check, sent) => (check.loading ? {} : Object.fromEntries(ofColumns(check.error).map(([at, text]) => [sent[at]?.column, text])));

// Checked says above the columns how the check stands.
export function Checked({ check }) {
  const { preview, error, loading } = check;
  return html`<div class="link-checked">
    ${error && !loading && (ofColumns(error).length ? html`<p class="error-text" role="alert">Some columns cannot be linked like this: look at what is marked in red.</p>`
      : html`<${Problem} error=${error} retry=${check.again} />`)}
    <p class="dim" role="status">${loading ? "Checking whether the cells of the tab fit…" : preview ? `${sampled(preview)} Nothing is written.` : ""}</p></div>`;
}

// misfit is one cell that its column would not take.
const misfit = (e) => html`row ${e.row}: “${e.value}” ${e.message}`;

// Fit says of one column whether its cells fit. It takes its room before the answer is there.
export function Fit({ check, of }) {
  const { preview, loading } = check;
  const found = preview?.columns?.find((c) => c.column === of.column && c.header === of.header);
  if (!found) return html`<p class="link-fit dim" aria-hidden="true">${loading ? "…" : ""}</p>`;
  if (found.paused) return html`<p class="link-fit warn-text">${sentence(found.paused)}</p>`;
  const all = Number(found.checked || 0), bad = Number(found.refused || 0), examples = found.examples || [];
  if (!all) return html`<p class="link-fit dim">${of.owner === "DATABASE" ? "The database fills the cells" : of.owner === "IGNORED" ? "" : "No cells to check"}</p>`;
  if (!bad) return html`<p class="link-fit ok-text">${all === 1 ? "1 cell fits" : `${all.toLocaleString()} cells fit`}</p>`;
  const lead = html`<strong>${bad === all ? (all === 1 ? "The only cell does" : `All ${all.toLocaleString()} do`) : `${bad.toLocaleString()} of ${all.toLocaleString()} ${bad === 1 ? "does" : "do"}`} not fit:</strong>`;
  if (examples.length < 2) return html`<p class="link-fit bad-text">${lead} ${misfit(examples[0])}</p>`;
  return html`<details class="link-fit bad-text"><summary>${lead} ${misfit(examples[0])}</summary>
    <ul>${examples.slice(1).map((e) => html`<li key=${e.row}>${misfit(e)}</li>`)}${bad > examples.length && html`<li>and ${(bad - examples.length).toLocaleString()} more</li>`}</ul></details>`;
}
