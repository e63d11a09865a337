// The Apps Script of a link, which tells the server at once of edits by people.
import { html, useState, useAct, Button, Dialog, Problem, copy, toast } from "./ui.js";
import { get, post } from "./api.js";
import { sheetAddress } from "./session.js";

export function Script({ link, id }) {
  const [script, setScript] = useState(null), [ask, setAsk] = useState(false), act = useAct(), rotate = useAct();
  const show = () => act.act(async () => setScript(await get(`/v1/links/${id}/appsScript`)));
  const renew = () => rotate.act(async () => {
    await post(`/v1/links/${id}:rotateHookSecret`);
    setScript(await get(`/v1/links/${id}/appsScript`));
    setAsk(false);
    toast("The secret is new. Install the script again.");
  });
  return html`<section class="panel" aria-labelledby="link-script"><h2 id="link-script">Faster edits from the sheet</h2>
    <p>With a small Apps Script in the spreadsheet, edits by people arrive within seconds. Without it they are found when the tab is read in its turn.</p>
    <${Problem} error=${act.error} />
    ${!script && html`<${Button} busy=${act.busy} onClick=${show}>Show the script<//>`}
    ${script && html`
      <h3>How to install it</h3>
      ${parts(script.instructions).map((part) => (part.steps ? html`<ol class="link-install">${part.steps.map((step, i) => html`<li key=${i}>${step}</li>`)}</ol>` : html`<p>${part.text}</p>`))}
      <a href=${sheetAddress(link)} target="_blank" rel="noreferrer">Open the spreadsheet ↗</a>
      <${File} name="Code.gs" text=${script.code} /><${File} name="appsscript.json" text=${script.manifest} />
      <p class="dim">The script holds the secret of this link: give it to nobody.</p>
      <${Button} kind="danger" onClick=${() => setAsk(true)}>Make a new secret…<//>`}
    ${ask && html`<${Dialog} title="Make a new secret?" onClose=${() => setAsk(false)} foot=${html`<${Button} onClick=${() => setAsk(false)}>Cancel<//><${Button} kind="danger" busy=${rotate.busy} onClick=${renew}>Make it new<//>`}>
      <p>The script that is installed now stops working at once: its calls are refused. Install the new one afterwards. No edit is lost meanwhile; it only arrives later.</p><${Problem} error=${rotate.error} /><//>`}
  </section>`;
}

// parts takes a plain text apart into paragraphs and numbered steps; a line that begins with neither goes on with the one before.
function parts(text) {
  const found = [];
  let open = false;
  for (const line of (text || "").split("\n")) {
    const step = /^\d+\.\s+(.*)$/.exec(line), last = found[found.length - 1];
    if (!line.trim()) open = false;
    else if (step && last?.steps) last.steps.push(step[1]);
    else if (step) found.push({ steps: [step[1]] });
    else if (open && last.steps) last.steps[last.steps.length - 1] += ` ${line.trim()}`;
    else if (open) last.text += ` ${line.trim()}`;
    else found.push({ text: line.trim() });
    if (line.trim()) open = true;
  }
  return found;
}

function File({ name, text }) {
  return html`<div class="link-file"><div class="sync-title"><h3>${name}</h3><${Button} kind="small" aria-label=${`Copy ${name}`} onClick=${() => copy(text)}>Copy<//></div>
    <pre tabindex="0" role="region" aria-label=${name}>${text}</pre></div>`;
}
