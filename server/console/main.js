// The frame around the pages: sign-in, the list of links, the tabs of a link.
import { html, render, useState, useEffect, useRef, useRoute, useLoad, useAgain, useEvery, to, go, Tabs, Toasts, Problem, Skeleton, Empty, Badge, span, count } from "./ui.js";
import { get, all, signedIn, signOut, onRefused } from "./api.js";
import { loadInfo, may, limited, serverInfo, draft } from "./session.js";
import { SignIn, SignInAgain, Access } from "./access.js";
import { Rows } from "./rows.js";

// later returns a part whose module is loaded when it is first shown.
function later(load, name) {
  let part = null;
  return function Later(props) {
    const [error, fail] = useState(null), [, arrived] = useState(false);
    const fetchIt = () => {
      fail(null);
      load().then((module) => { part = module[name]; arrived(true); }, () => fail(new Error("This page could not be loaded. The server cannot be reached, or was just renewed.")));
    };
    useEffect(() => {
      if (!part) fetchIt();
    }, []);
    if (part) return html`<${part} ...${props} />`;
    return error ? html`<${Problem} error=${error} retry=${fetchIt} />` : html`<${Skeleton} />`;
  };
}

const Sync = later(() => import("./sync.js"), "Sync");
const LinkWizard = later(() => import("./links.js"), "LinkWizard");
const LinkSettings = later(() => import("./links.js"), "LinkSettings");

function App() {
  const route = useRoute();
  const [who, setWho] = useState({ state: "loading" });
  const enter = async () => {
    try {
      setWho({ state: "in", info: await loadInfo() });
    } catch (error) {
      setWho(error.status === 401 ? { state: "out", error: signedIn() ? error : null } : { state: "failed", error });
    }
  };
  useEffect(() => {
    // The page stays as it is beneath the question who this is, so that nothing is lost that somebody types just now.
    onRefused(() => setWho((now) => (now.state === "in" ? { ...now, expired: true } : now)));
    enter();
  }, []);
  useAgain(who.state === "failed" ? who.error : null, enter);
  const seen = useRef(null), place = route.parts.join("/");
  useEffect(() => {
    // Another page is announced, and read from its beginning.
    if (who.state === "in" && seen.current !== null && seen.current !== place) {
      const main = document.getElementById("main");
      if (!document.activeElement || !main.contains(document.activeElement)) main.focus({ preventScroll: true });
      if (seen.current.split("/")[1] !== place.split("/")[1]) scrollTo(0, 0);
    }
    seen.current = place;
  }, [place, who.state]);
  if (who.state === "loading") return html`<main class="page"><${Skeleton} /></main>`;
  if (who.state === "failed") return html`<main class="page"><h1>Tandem</h1><${Problem} error=${who.error} retry=${enter} /></main>`;
  if (who.state === "out") return html`<${SignIn} error=${who.error} onDone=${enter} /><${Toasts} />`;
  const leave = () => {
    signOut();
    draft.drop();
    enter();
  };
  return html`
    <a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById("main").focus(); }}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="#/" aria-label="Tandem"><img src="console/icon.svg" alt="" width="24" height="24" /> <span class="brand-name">Tandem</span></a>
      <nav aria-label="Main">
        <a href=${to("links")} aria-current=${!route.parts.length || route.parts[0] === "links" ? "page" : undefined}>Links</a>
        ${may("ADMIN") && !limited() && html`<a href=${to("access")} aria-current=${route.parts[0] === "access" ? "page" : undefined}>Access</a>`}
        <a href="docs">API</a>
        ${signedIn() && html`<button type="button" class="plain" onClick=${leave}>Sign out</button>`}
      </nav>
    </header>
    <main id="main" class="page" tabindex="-1"><${Page} route=${route} /></main>
    ${who.expired && html`<${SignInAgain} onDone=${enter} onLeave=${leave} />`}
    <${Toasts} />`;
}

function Page({ route }) {
  const [first, second, third, fourth] = route.parts;
  const all = may("ADMIN") && !limited();
  if (first === "access") return html`<${Titled} title="Access">${all ? html`<${Access} />` : html`<h1>Access</h1><${NotAllowed} />`}<//>`;
  if (first === "links" && second === "new") return html`<${Titled} title="New link">${all ? html`<${LinkWizard} part=${third || ""} />` : html`<h1>New link</h1><${NotAllowed} />`}<//>`;
  if (first === "links" && second) return html`<${LinkPage} key=${second} id=${second} page=${third || "rows"} part=${fourth} query=${route.query} />`;
  return html`<${Titled} title="Links"><${Links} /><//>`;
}

// NotAllowed stands in place of a page that is an admin's, which only its address leads others to.
const NotAllowed = () => html`<${Empty} title="An admin can do this">
  <p>${may("ADMIN") ? "Your token is for certain links only. This needs one for all links." : "Your token has another role. Ask an admin."}</p><a class="button" href=${to("links")}>All links</a><//>`;

// Titled names the page in the browser's tab and history.
function Titled({ title, children }) {
  useEffect(() => {
    document.title = `${title} · Tandem`;
  }, [title]);
  return children;
}

const stateWords = { NEW: "not synced yet", INITIAL_SYNC: "initial sync runs", ACTIVE: "in step", PAUSED: "paused", HALTED: "halted" };
const stateKinds = { NEW: "info", INITIAL_SYNC: "info", ACTIVE: "good", PAUSED: "warn", HALTED: "bad" };

// stateOf says how a link is, in a few words: {text, kind}.
export function stateOf(link) {
  const status = link.status || {};
  const kind = link.state === "ACTIVE" && (status.lastError || Number(status.conflicts) || Number(status.rowErrors)) ? "warn" : stateKinds[link.state];
  const lag = parseFloat(status.lag) || 0;
  const behind = link.state === "ACTIVE" && lag > 0 ? `${span(lag)} behind` : "";
  const troubles = link.state === "ACTIVE" ? Number(status.conflicts || 0) + Number(status.rowErrors || 0) : 0;
  if (troubles && !status.lastError) return { text: `${count(troubles, "row")} to look at`, kind };
  return { text: behind || stateWords[link.state] || link.state || "", kind: kind || "" };
}

function Links() {
  const links = useLoad(() => all("/v1/links", "links"), []);
  useEvery(10000, links.reload);
  const maker = may("ADMIN") && !limited();
  return html`
    <div class="head"><h1>Links</h1>${maker && html`<a class="button primary" href=${to("links", "new")}>New link</a>`}</div>
    <${Problem} error=${links.error} retry=${links.reload} />
    ${!links.data && links.loading && html`<${Skeleton} />`}
    ${links.data && !links.data.length && html`<${Empty} title="No links yet">
      <p>A link keeps one database table and one tab of a Google Sheet in step.</p>
      ${maker ? html`<a class="button primary" href=${to("links", "new")}>Make the first one</a>` : html`<p>Ask an admin to make one.</p>`}<//>`}
    <ul class="cards">${(links.data || []).map((link) => {
      const id = link.name.split("/")[1], state = stateOf(link), status = link.status || {};
      const troubles = [Number(status.conflicts) > 0 && `${status.conflicts} in conflict`, Number(status.rowErrors) > 0 && `${status.rowErrors} with errors`].filter(Boolean);
      return html`<li key=${link.name}><a class="card" href=${to("links", id, "rows", "database")}>
        <span class="card-top"><strong>${link.displayName || id}</strong> <${Badge} kind=${state.kind}>${state.text}<//></span>
        <span class="dim">table ${link.table} · tab ${link.tab}</span>
        ${troubles.length > 0 && html`<span class="warn-text">${troubles.join(", ")}</span>`}
        ${link.state !== "NEW" && Number(status.pendingRows) > 0 && html`<span class="dim">${count(status.pendingRows, "row")} on the way</span>`}
      </a></li>`;
    })}</ul>
    <p class="dim foot">Tandem ${serverInfo().version} · ${serverInfo().database}</p>`;
}

function LinkPage({ id, page, part, query }) {
  const link = useLoad(() => get(`/v1/links/${encodeURIComponent(id)}`), [id]);
  useEvery(3000, link.reload);
  if (!link.data) {
    if (!link.error) return html`<${Skeleton} />`;
    return html`<div class="head"><a class="back" href=${to("links")} aria-label="All links">←</a><h1>${id}</h1></div><${Problem} error=${link.error} retry=${link.reload} />`;
  }
  const l = link.data, state = stateOf(l), status = l.status || {}, name = l.displayName || id;
  const source = page === "rows" ? (part === "sheet" ? "sheet" : "database") : "";
  const waiting = Number(status.conflicts || 0) + Number(status.rowErrors || 0) + (l.state === "HALTED" ? 1 : 0);
  const view = query.toString() && page === "rows" ? `?${query}` : ""; // both sides have the same columns
  const where = page === "rows" ? (source === "sheet" ? "Sheet" : "Database") : page === "sync" ? "Sync" : "Settings";
  return html`<${Titled} title=${`${where} · ${name}`}>
    <div class="head"><a class="back" href=${to("links")} aria-label="All links">←</a><h1>${name}</h1><${Badge} kind=${state.kind}>${state.text}<//></div>
    ${link.error && html`<${Problem} error=${link.error} />`}
    <${Tabs} label="Parts of this link" items=${[
      { href: to("links", id, "rows", "database") + view, text: "Database", current: source === "database" },
      { href: to("links", id, "rows", "sheet") + view, text: "Sheet", current: source === "sheet" },
      { href: to("links", id, "sync"), text: "Sync", current: page === "sync", count: waiting, kind: l.state === "HALTED" ? "bad" : "warn" },
      ...(may("ADMIN") ? [{ href: to("links", id, "settings"), text: "Settings", current: page === "settings" }] : []),
    ]} />
    ${page === "rows" && html`<${Rows} key=${source} link=${l} id=${id} source=${source} query=${query} />`}
    ${page === "sync" && html`<${Sync} link=${l} id=${id} part=${part} reload=${link.reload} />`}
    ${page === "settings" && !may("ADMIN") && html`<${NotAllowed} />`}
    ${page === "settings" && may("ADMIN") && html`<${LinkSettings} link=${l} id=${id} reload=${link.reload} onDeleted=${() => go("links")} />`}
  <//>`;
}

render(html`<${App} />`, document.getElementById("app"));
