// The rules of a link: expressions that settle conflicts. What is wrong shows while it is typed, with what the rules would have
// made of the conflicts that there were.
import { html, useState, useEffect, useRef, Button, Field, Badge, Problem, Time, count } from "./ui.js";
import { post } from "./api.js";
import { useForm, useSave, Foot } from "./links-form.js";
import { Value, Aside, side, sentence } from "./sync-words.js";

const outcomes = { DIFFERS: ["otherwise", "info"], MANUAL: ["left to people", "warn"], FAILED: ["failed", "bad"] };
const read = (link) => (link.rules || []).map((r) => ({ column: r.column || "", expression: r.expression }));

// Wrong shows what is wrong with an expression, and where: the server begins with line and column.
function Wrong({ text, expression }) {
  const place = /^(\d+):(\d+): (.*)$/s.exec(text);
  if (!place) return html`<span>${sentence(text)}</span>`;
  const line = expression.split("\n")[Number(place[1]) - 1] || "", at = Number(place[2]) - 1, from = Math.max(0, at - 24);
  return html`<span class="link-wrong">${sentence(place[3])}<pre aria-hidden="true">${line.slice(from, from + 60)}${"\n"}${" ".repeat(Math.max(0, at - from))}^</pre></span>`;
}

export function Rules({ link, id, reload }) {
  const form = useForm(link, read), save = useSave(form, reload);
  const [tried, setTried] = useState({ result: null, error: null, loading: false }), turn = useRef(0);
  const rules = form.value, written = rules.every((r) => r.expression.trim());
  const key = JSON.stringify(rules);
  useEffect(() => {
    const mine = ++turn.current;
    if (!rules.length || !written) {
      setTried({ result: null, error: null, loading: false });
      return undefined;
    }
    const timer = setTimeout(async () => {
      setTried((now) => ({ ...now, loading: true }));
      try {
        const result = await post(`/v1/links/${id}:testRules`, { rules, pageSize: 20 });
        if (mine === turn.current) setTried({ result, error: null, loading: false });
      } catch (error) {
        if (mine === turn.current) setTried({ result: null, error, loading: false });
      }
    }, 400);
    return () => clearTimeout(timer);
  }, [key, id]);
  const wrong = (i, name) => (tried.error?.fields || save.error?.fields || []).find((f) => f.field.endsWith(`rules[${i}].${name}`))?.description;
  const used = link.conflictPolicy === "RULES" || link.columns.some((c) => c.conflictPolicy === "RULES");
  const change = (i, values) => form.set(rules.map((r, n) => (n === i ? { ...r, ...values } : r)));
  const names = ["", ...link.columns.map((c) => c.column)];
  return html`<form class="panel" noValidate aria-labelledby="link-rules" onSubmit=${(e) => { e.preventDefault(); save.save({ rules }, "rules"); }}>
    <h2 id="link-rules">Rules</h2>
    <p>A rule settles conflicts of a column by an expression. ${used || !rules.length ? "" : html`<span class="warn-text">None is in force: choose “Rules decide” above, for the link or for a column.</span>`}</p>
    ${!rules.length && html`<p class="dim">There are none.</p>`}
    <ul class="link-rules">${rules.map((r, i) => {
      const bad = wrong(i, "expression"), badColumn = wrong(i, "column"), free = names.filter((n) => n === r.column || !rules.some((x) => x.column === n));
      return html`<li key=${i}>
        <${Field} label="Column" error=${badColumn && sentence(badColumn)}>${(a) => html`<select ...${a} value=${r.column} onChange=${(e) => change(i, { column: e.target.value })}>${free.map((n) => html`<option key=${n} value=${n}>${n || "every other column, and whole rows"}</option>`)}</select>`}<//>
        <${Field} label="Expression" error=${bad && html`<${Wrong} text=${bad} expression=${r.expression} />`} hint=${r.expression.trim() ? "" : "Write what to take, such as: database > sheet ? database : sheet"}>
          ${(a) => html`<textarea ...${a} class="mono" rows="2" maxlength="2000" spellcheck=${false} autocapitalize="none" value=${r.expression} onInput=${(e) => change(i, { expression: e.target.value })}></textarea>`}<//>
        <${Button} kind="small" aria-label=${`Remove the rule for ${r.column || "every other column"}`} onClick=${() => form.set(rules.filter((_, n) => n !== i))}>Remove<//>
      </li>`;
    })}</ul>
    ${rules.length < names.length && html`<${Button} onClick=${() => form.set([...rules, { column: names.find((n) => n && !rules.some((r) => r.column === n)) ?? "", expression: "" }])}>Add a rule<//>`}
    <${Aside} title="What can stand in an expression"><dl class="link-help">
      <div><dt><code>base</code>, <code>database</code>, <code>sheet</code></dt><dd>the value both sides last agreed on, and what each has now; <code>null</code> where empty</dd></div>
      <div><dt><code>column</code></dt><dd>the column's name</dd></div>
      <div><dt><code>database_time</code>, <code>sheet_time</code></dt><dd>when each side changed it</dd></div>
      <div><dt>Result</dt><dd>the value to take, or <code>DATABASE</code>, <code>SHEET</code>, <code>LAST_WRITE</code>, <code>MANUAL</code> (a person decides)</dd></div>
      <div><dt>Examples</dt><dd><code>database > sheet ? database : sheet</code><br /><code>base == null ? SHEET : LAST_WRITE</code><br /><code>database > 1000.0 ? MANUAL : LAST_WRITE</code></dd></div>
    </dl><//>
    <div class="link-tried" role="status">
      ${tried.result && html`<${Tried} result=${tried.result} />`}
      ${tried.error && !tried.error.fields.length && html`<${Problem} error=${tried.error} />`}
      ${tried.error && tried.error.fields.length > 0 && html`<p class="error-text">The rules are not right yet.</p>`}
    </div>
    <${Foot} form=${form} save=${save} disabled=${!written || !!tried.error} />
  </form>`;
}

// Tried says what rules would have made of the conflicts that there were.
function Tried({ result: r }) {
  const all = Number(r.same) + Number(r.differs) + Number(r.manual) + Number(r.failed);
  if (!all) return html`<p class="dim">The rules are well-formed. There were no conflicts yet that they could be tried on.</p>`;
  return html`<h3>Tried on ${count(all, "conflict")} of the past</h3>
    <p>${[`${Number(r.same).toLocaleString()} would have ended as they did`, Number(r.differs) > 0 && `${r.differs} otherwise`, Number(r.manual) > 0 && `${r.manual} left to people`, Number(r.failed) > 0 && `in ${r.failed} the expression failed`].filter(Boolean).join(", ")}.</p>
    <ul class="sync-lines">${(r.verdicts || []).map((v, i) => html`<li key=${i}><strong>${v.key}</strong> ${v.column || "the whole row"} <${Badge} kind=${(outcomes[v.outcome] || ["", ""])[1]}>${(outcomes[v.outcome] || [v.outcome])[0]}<//>
      <span class="dim"> ${side(v.was) ? `the ${side(v.was)} won` : "still open"}</span>
      ${v.outcome === "DIFFERS" && html` → ${side(v.would) ? `the ${side(v.would)} would win` : html`the value would be <${Value} value=${v.value} />`}`}
      ${v.problem && html` <span class="bad-text">${sentence(v.problem)}</span>`} <span class="dim"><${Time} at=${v.time} /></span></li>`)}</ul>`;
}
