// What is left of Google's quota, what was used of it in the last hour, and what waits.
import { html, useLoad, Problem, Skeleton, Spark, count, span, to } from "./ui.js";
import { get } from "./api.js";
import { useEvery, seconds } from "./sync-words.js";

// hour spreads the minutes that had calls over the last sixty.
function hour(minutes, field) {
  const now = Math.floor(Date.now() / 60000), values = new Array(60).fill(0);
  for (const minute of minutes || []) {
    const place = 59 - (now - Math.floor(Date.parse(minute.startTime) / 60000));
    if (place >= 0 && place < 60) values[place] = Number(minute[field] || 0);
  }
  return values;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

function Budget({ name, budget, values }) {
  const limit = Number(budget?.limit || 0), used = sum(values), top = Math.max(...values);
  return html`<div class="sync-budget">
    <div class="sync-title"><h3>${name}</h3><span>${limit ? `${budget.left} of ${limit} left this minute` : "no limit"}</span></div>
    <${Spark} values=${values} max=${limit} label=${`${name} by minute over the last hour: ${used} in all, at most ${top} in a minute`} />
    <div class="sync-axis"><span>1 h ago</span><span>${count(used, "call")}, at most ${top} a minute</span><span>now</span></div>
    ${Number(budget?.waiting) > 0 && html`<p class="dim">${count(budget.waiting, "call waits", "calls wait")} for their turn.</p>`}
  </div>`;
}

export function Quota({ link }) {
  const quota = useLoad(() => get("/v1/quota"), []);
  useEvery(5000, quota.reload);
  const q = quota.data, backlog = q?.backlog || [], rejected = sum(hour(q?.minutes, "rejected"));
  return html`<section class="panel" aria-labelledby="sync-quota">
    <h2 id="sync-quota">Google's quota</h2>
    <${Problem} error=${quota.error} retry=${quota.reload} />
    ${!q && quota.loading && html`<${Skeleton} lines=${6} />`}
    ${q && html`
      <${Budget} name="Reads" budget=${q.reads} values=${hour(q.minutes, "reads")} />
      <${Budget} name="Writes" budget=${q.writes} values=${hour(q.minutes, "writes")} />
      ${rejected > 0 && html`<p class="warn-text">Google turned down ${count(rejected, "call")} in the last hour. They were made again later.</p>`}
      <h3>What waits</h3>
      ${backlog.length === 0 ? html`<p class="dim">Nothing waits.</p>` : html`
        <ul class="sync-lines">${backlog.map((b) => html`<li key=${b.link}>
          ${b.link === link.name ? "This link" : html`<a href=${to("links", b.link.split("/")[1], "sync")}>${b.link.split("/")[1]}</a>`}:
          ${" "}${[Number(b.rows) > 0 && count(b.rows, "row"), Number(b.writes) > 0 && count(b.writes, "write")].filter(Boolean).join(" and ")}${seconds(b.age) ? `, the oldest for ${span(seconds(b.age))}` : ""}
        </li>`)}</ul>`}
      ${q.timeToDrain && backlog.length > 0 && html`<p>At the pace of the last minutes it is done in ${span(seconds(q.timeToDrain))}.</p>`}`}
  </section>`;
}
