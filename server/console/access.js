// Who may do what: signing in with a token, and the tokens themselves.
import { html, useState, useLoad, useAct, Button, Dialog, Field, Problem, Skeleton, Empty, Badge, Time, toast, copy } from "./ui.js";
import { all, post, remove, get, signIn, signOut, signedIn, typed, ApiError } from "./api.js";

// TokenForm asks for a token and tries it.
function TokenForm({ error: before, onDone, id }) {
  const [token, setToken] = useState("");
  const [stay, setStay] = useState(true);
  const [seen, setSeen] = useState(false);
  const { busy, error, act } = useAct();
  const submit = (e) => {
    e.preventDefault();
    act(async () => {
      const given = token.trim().replace(/^(Authorization:\s*)?Bearer\s+/i, "");
      if (!given) throw new ApiError(401, { message: "Paste the token here." });
      if (/[^\x21-\x7e]/.test(given)) throw new ApiError(401, { message: "This is no token: it holds spaces or characters that tokens do not have. Paste it as it was shown." });
      signIn(given, stay);
      try {
        await get("/v1/info");
      } catch (problem) {
        signOut();
        throw problem;
      }
      await onDone();
    });
  };
  const wrong = error && (error.status === 401 ? error.message : "");
  return html`<form id=${id} onSubmit=${submit} noValidate>
    ${error && !wrong && html`<${Problem} error=${error} />`}
    ${!error && before && html`<p class="note warn">${before.message}</p>`}
    <${Field} label="Token" error=${wrong} hint="It begins with tdm_.">${(ties) => html`<div class="with-button">
      <input ...${ties} type=${seen ? "text" : "password"} autocomplete="current-password" spellcheck="false" autocapitalize="off" value=${token} onInput=${(e) => setToken(e.target.value)} />
      <button type="button" class="button" aria-pressed=${seen ? "true" : "false"} onClick=${() => setSeen(!seen)}>${seen ? "Hide" : "Show"}</button></div>`}<//>
    <label class="check"><input type="checkbox" checked=${stay} onChange=${(e) => setStay(e.target.checked)} /> <span>Stay signed in on this device</span></label>
    <${Button} kind="primary wide" type="submit" busy=${busy}>Sign in<//>
  </form>`;
}

// SignIn is the page before all others, where the server asks for a token.
export const SignIn = ({ error, onDone }) => html`<main class="sign-in" id="main">
  <div class="panel">
    <h1><img src="console/icon.svg" alt="" width="32" height="32" /> Tandem</h1>
    <p>Sign in with a token. An admin makes one under <b>Access</b>; the first one is made where the server runs:</p>
    <p class="command"><code>tandem token create --role admin --name ops</code></p>
    <${TokenForm} error=${error} onDone=${onDone} />
  </div>
</main>`;

// SignInAgain asks when the token stops being good, above the page as it is.
export function SignInAgain({ onDone, onLeave }) {
  const [kept] = useState(typed);
  return html`<${Dialog} title="Sign in again">
    <p>The token that you signed in with is no longer accepted: it expired, or was revoked.${kept ? " What you typed is still here." : ""}</p>
    <${TokenForm} onDone=${onDone} />
    <p><button type="button" class="linklike" onClick=${onLeave}>Leave it and sign out</button></p>
  <//>`;
}

const roles = [
  ["VIEWER", "Viewer", "reads rows, history and states"],
  ["EDITOR", "Editor", "also writes rows, reverts changes and settles conflicts"],
  ["ADMIN", "Admin", "also makes links, runs initial syncs, answers halts and makes tokens"],
];
const roleName = (role) => (roles.find(([r]) => r === role) || [role, role])[1];

export function Access() {
  const tokens = useLoad(() => all("/v1/tokens", "tokens"), []);
  const links = useLoad(() => all("/v1/links", "links"), []);
  const [making, make] = useState(false);
  const [made, setMade] = useState(null);
  const [leaving, leave] = useState(null);
  const revoke = useAct();
  const linkTitle = (name) => {
    const found = (links.data || []).find((l) => l.name === name);
    return (found && found.displayName) || name.split("/")[1];
  };
  const list = [...(tokens.data || [])].sort((a, b) => a.displayName.localeCompare(b.displayName));
  return html`
    <div class="head"><h1>Access</h1><${Button} kind="primary" aria-haspopup="dialog" onClick=${() => make(true)}>New token<//></div>
    ${!signedIn() && html`<p class="note info">This server asks nobody who they are (<code>--auth none</code>): whoever reaches it may do everything. Tokens count once it runs with <code>--auth token</code>.</p>`}
    <${Problem} error=${tokens.error} retry=${tokens.reload} />
    ${!tokens.data && tokens.loading && html`<${Skeleton} lines=${4} />`}
    ${tokens.data && !list.length && html`<${Empty} title="No tokens yet"><p>A token lets a person or a program in, with a role, and if you like for certain links only.</p>
      <${Button} kind="primary" onClick=${() => make(true)}>Make the first one<//><//>`}
    ${list.length > 0 && html`<ul class="tokens">${list.map((token) => {
      const ended = token.expireTime && new Date(token.expireTime) <= new Date();
      return html`<li key=${token.name} class="panel token">
        <div class="token-text">
          <div><strong>${token.displayName}</strong> <${Badge} kind=${token.role === "ADMIN" ? "warn" : token.role === "EDITOR" ? "info" : ""}>${roleName(token.role)}<//>
            ${ended && html` <${Badge} kind="bad">expired<//>`}</div>
          <div>${(token.links || []).length ? `Only ${token.links.map(linkTitle).join(", ")}` : "All links"}</div>
          <div class="dim"><code>${token.name.split("/")[1]}</code> · made <${Time} at=${token.createTime} /> · ${token.lastUseTime ? html`last used <${Time} at=${token.lastUseTime} />` : "not used yet"} ·
            ${token.expireTime ? html` ${ended ? "expired" : "expires"} <${Time} at=${token.expireTime} />` : " does not expire"}</div>
        </div>
        <${Button} kind="danger" aria-label=${`Revoke ${token.displayName}`} onClick=${() => { revoke.clear(); leave(token); }}>Revoke<//>
      </li>`;
    })}</ul>`}
    ${making && html`<${NewToken} links=${links} onClose=${() => make(false)} onMade=${(answer) => { make(false); setMade(answer); tokens.reload(); }} />`}
    ${made && html`<${Secret} made=${made} onClose=${() => setMade(null)} />`}
    ${leaving && html`<${Dialog} title="Revoke this token?" onClose=${() => leave(null)} foot=${html`<${Button} onClick=${() => leave(null)}>Keep it<//>
      <${Button} kind="danger" busy=${revoke.busy} onClick=${async () => {
        const done = await revoke.act(async () => { await drop(leaving.name); return true; });
        if (done) { leave(null); toast(`Revoked ${leaving.displayName}.`); tokens.reload(); }
      }}>Revoke it<//>`}>
      <${Problem} error=${revoke.error} />
      <p><strong>${leaving.displayName}</strong>: whoever uses it is refused within seconds. This cannot be undone; a new token can be made.</p><//>`}`;
}

// drop revokes a token; one that is gone already is revoked.
async function drop(name) {
  try {
    await remove(`/v1/${name}`);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}

const ends = [["", "never"], ["7", "in 7 days"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"], ["at", "on a day that I choose"]];

function NewToken({ links, onClose, onMade }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("VIEWER");
  const [few, setFew] = useState(false);
  const [chosen, choose] = useState([]);
  const [end, setEnd] = useState("90");
  const [day, setDay] = useState("");
  const [missing, setMissing] = useState({});
  const { busy, error, act } = useAct();
  const submit = async (e) => {
    if (e) e.preventDefault();
    const lacks = { name: !name.trim() && "Say who or what the token is for.", links: few && !chosen.length && "Choose at least one link.", day: end === "at" && !day && "Choose a day." };
    setMissing(lacks);
    if (lacks.name || lacks.links || lacks.day) return;
    const expires = end === "at" ? new Date(`${day}T23:59:59`) : end ? new Date(Date.now() + Number(end) * 86400e3) : null;
    const body = { displayName: name.trim(), role, links: few ? chosen : [], ...(expires && { expireTime: expires.toISOString() }) };
    const made = await act(() => post("/v1/tokens", body));
    if (made) onMade(made);
  };
  const said = (field) => (error && error.of ? error.of(field) : "");
  const loose = error && !said("display_name") && !said("expire_time") ? error : null;
  return html`<${Dialog} title="New token" onClose=${onClose} foot=${html`<${Button} onClick=${onClose}>Cancel<//><${Button} kind="primary" busy=${busy} onClick=${submit}>Make token<//>`}>
    <form onSubmit=${submit} noValidate>
      <${Problem} error=${loose} />
      <${Field} label="Name" hint="Who has it, or what it is for. History names it." error=${missing.name || said("display_name")}>${(ties) => html`<input ...${ties} autocomplete="off" maxlength="100" value=${name} onInput=${(e) => setName(e.target.value)} />`}<//>
      <fieldset><legend class="legend">Role</legend>${roles.map(([value, title, may]) => html`<label class="check" key=${value}><input type="radio" name="role" checked=${role === value} onChange=${() => setRole(value)} />
        <span><b>${title}</b> <span class="dim">${may}</span></span></label>`)}</fieldset>
      <fieldset><legend class="legend">Links</legend>
        <label class="check"><input type="radio" name="reach" checked=${!few} onChange=${() => setFew(false)} /> <span>All links</span></label>
        <label class="check"><input type="radio" name="reach" checked=${few} onChange=${() => setFew(true)} /> <span>Only certain links</span></label>
        ${few && html`<div class="inset">${links.error ? html`<${Problem} error=${links.error} retry=${links.reload} />` : ""}${(links.data || []).map((link) => html`<label class="check" key=${link.name}>
          <input type="checkbox" checked=${chosen.includes(link.name)} onChange=${(e) => choose(e.target.checked ? [...chosen, link.name] : chosen.filter((n) => n !== link.name))} />
          <span>${link.displayName || link.name.split("/")[1]}</span></label>`)}${links.data && !links.data.length ? html`<p class="dim">There are no links yet.</p>` : ""}</div>`}
        ${missing.links && html`<p class="error-text" role="alert">${missing.links}</p>`}
      </fieldset>
      <${Field} label="Expires" error=${said("expire_time")}>${(ties) => html`<select ...${ties} value=${end} onChange=${(e) => setEnd(e.target.value)}>${ends.map(([v, words]) => html`<option key=${v} value=${v}>${words}</option>`)}</select>`}<//>
      ${end === "at" && html`<${Field} label="Day" error=${missing.day}>${(ties) => html`<input ...${ties} type="date" value=${day} onInput=${(e) => setDay(e.target.value)} />`}<//>`}
      <button type="submit" class="hidden-label" tabindex="-1" aria-hidden="true">Make token</button>
    </form>
  <//>`;
}

function Secret({ made, onClose }) {
  const [copied, setCopied] = useState(false);
  return html`<${Dialog} title=${`Token for ${made.token.displayName}`} onClose=${onClose} foot=${html`<${Button} kind=${copied ? "primary" : ""} onClick=${onClose}>Done<//>`}>
    <p>Copy it now and keep it safe: it is shown only here, and never again.</p>
    <${Field} label="Token">${(ties) => html`<div class="with-button"><input ...${ties} class="mono" readonly value=${made.secret} onFocus=${(e) => e.target.select()} />
      <${Button} kind=${copied ? "" : "primary"} onClick=${async () => setCopied(await copy(made.secret))}>${copied ? "Copied" : "Copy"}<//></div>`}<//>
    <p class="dim">Programs send it as <code>Authorization: Bearer TOKEN</code>; people paste it where this console asks them to sign in.</p>
    <div class="hidden-label" role="status">${copied ? "Copied" : ""}</div>
  <//>`;
}
