// What all pages share: how elements are written, and the small parts that each page is made of.
import { h, render, Fragment } from "./vendor/preact.js";
import { useState, useEffect, useLayoutEffect, useRef, useCallback, useMemo } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { render, Fragment, useState, useEffect, useLayoutEffect, useRef, useCallback, useMemo };

// useRoute is the address after the "#", in parts: "#/links/anime/sync?x=1" is {parts: ["links", "anime", "sync"], query}.
export function useRoute() {
  const [route, set] = useState(readRoute());
  useEffect(() => {
    const changed = () => set(readRoute());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function readRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query || "") };
}

// to writes an address: to("links", id, "sync").
export const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
export const go = (...parts) => (location.hash = to(...parts));

// useAgain calls fn in a while, when an error is one that passes.
export function useAgain(error, fn) {
  useEffect(() => {
    const pause = error && error.passing ? error.passing() : 0;
    if (!pause) return undefined;
    const timer = setInterval(() => document.hidden || fn(), pause);
    return () => clearInterval(timer);
  }, [error]);
}

// useEvery calls fn again and again while the page is seen, and once when it comes back to sight.
export function useEvery(milliseconds, fn) {
  const latest = useRef(fn);
  latest.current = fn;
  useEffect(() => {
    if (!milliseconds) return undefined;
    const run = () => document.hidden || latest.current();
    const timer = setInterval(run, milliseconds);
    document.addEventListener("visibilitychange", run);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", run);
    };
  }, [milliseconds]);
}

// useLoad runs an asynchronous function when deps change: {data, error, loading, reload}. What was there stays while it loads anew.
export function useLoad(load, deps) {
  const [state, set] = useState({ loading: true });
  const turn = useRef(0);
  const reload = useCallback(async () => {
    const mine = ++turn.current;
    set((s) => ({ ...s, loading: true }));
    try {
      const data = await load();
      if (mine === turn.current) set({ data, loading: false });
      return data;
    } catch (error) {
      if (mine === turn.current && error.name !== "AbortError") set((s) => ({ ...s, error, loading: false }));
    }
  }, deps);
  useEffect(() => {
    reload();
    return () => turn.current++;
  }, [reload]);
  useAgain(state.error, reload);
  return { ...state, reload };
}

// useAct runs what a button does: act(fn) keeps the button busy and the error of the last run.
export function useAct() {
  const [state, set] = useState({ busy: false, error: null });
  const act = async (fn) => {
    set({ busy: true, error: null });
    try {
      const result = await fn();
      set({ busy: false, error: null });
      return result;
    } catch (error) {
      set({ busy: false, error: error.name === "AbortError" ? null : error });
    }
  };
  return { ...state, act, clear: () => set({ busy: false, error: null }) };
}

export function Button({ kind = "", busy, disabled, children, ...rest }) {
  return html`<button type="button" class=${`button ${kind}`} disabled=${disabled || busy} aria-busy=${busy ? "true" : undefined} ...${rest}>${children}</button>`;
}

let ids = 0;

// Field puts a label, a hint and what is wrong around an input: children is a function of the attributes that tie them together.
export function Field({ label, hint, error, children }) {
  const id = useMemo(() => `f${++ids}`, []);
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return html`<div class=${`field ${error ? "wrong" : ""}`}>
    <label for=${id}>${label}</label>
    ${children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? "true" : undefined })}
    ${hint && html`<div class="hint" id=${`${id}-hint`}>${hint}</div>`}
    ${error && html`<div class="error" id=${`${id}-error`}>${error}</div>`}
  </div>`;
}

// Dialog is the browser's own: it keeps the keyboard inside, closes with Escape, and gives the focus back. Without onClose it
// stays until what is in it is done.
export function Dialog({ title, onClose, children, foot, wide }) {
  const ref = useRef(), pressed = useRef(false), id = useMemo(() => `d${++ids}`, []);
  useLayoutEffect(() => {
    const dialog = ref.current, before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before && before.isConnected) before.focus();
    };
  }, []);
  const outside = (e) => e.target === ref.current;
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${(e) => { e.preventDefault(); if (onClose) onClose(); }}
    onKeyDown=${(e) => { if (e.key === "Escape") { e.preventDefault(); e.stopPropagation(); if (onClose) onClose(); } }}
    onPointerDown=${(e) => (pressed.current = outside(e))} onClick=${(e) => pressed.current && outside(e) && onClose && onClose()}>
    <div class="dialog">
      <header><h2 id=${id}>${title}</h2>${onClose && html`<button type="button" class="icon" aria-label="Close" onClick=${onClose}>✕</button>`}</header>
      <div class="body">${children}</div>
      ${foot && html`<footer>${foot}</footer>`}
    </div>
  </dialog>`;
}

let showToast = () => {};

// toast says something for a few seconds; action {label, run} is offered beside it.
export const toast = (text, action) => showToast(text, action);

export function Toasts() {
  const [list, set] = useState([]);
  showToast = (text, action) => set((all) => [...all.slice(-2), { id: Math.random(), text, action }]);
  const drop = (id) => set((all) => all.filter((t) => t.id !== id));
  return html`<div class="toasts" role="status" aria-live="polite">${list.map((t) => html`<${Toast} key=${t.id} text=${t.text} action=${t.action} drop=${() => drop(t.id)} />`)}</div>`;
}

// Toast goes by itself, but not from under somebody's pointer or focus. A pointer that rests where the toast came up, as after a click
// there, does not hold it.
function Toast({ text, action, drop }) {
  const [held, hold] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(drop, action ? 10000 : 5000);
    return () => clearTimeout(timer);
  }, [held]);
  return html`<div class="toast" onPointerMove=${(e) => (e.movementX || e.movementY) && hold(true)} onPointerLeave=${() => hold(false)} onFocusIn=${() => hold(true)} onFocusOut=${() => hold(false)}>
    <span>${text}</span>
    ${action && html`<button type="button" onClick=${() => { drop(); action.run(); }}>${action.label}</button>`}
    <button type="button" class="icon" aria-label="Dismiss" onClick=${drop}>✕</button>
  </div>`;
}

// Problem shows an error, and offers to try again. What its message says already of the fields is not said twice.
export function Problem({ error, retry }) {
  if (!error) return null;
  const more = (error.fields || []).filter((f) => !(error.message || "").includes(f.description));
  return html`<div class="problem" role="alert">
    <p>${error.message}</p>
    ${more.map((f) => html`<p class="detail"><code>${f.field}</code> ${f.description}</p>`)}
    ${retry && html`<${Button} onClick=${retry}>Try again<//>`}
  </div>`;
}

export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

// Skeleton keeps the room that lines will take, so that nothing jumps when they come.
export const Skeleton = ({ lines = 5 }) => html`<div class="skeleton" aria-hidden="true">${Array.from({ length: lines }, () => html`<div></div>`)}</div>`;

export const Badge = ({ kind = "", children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

// Tabs are links, so that each tab has its address. The one that is shown is in view, however narrow the window.
export function Tabs({ label, items }) {
  const ref = useRef(), at = items.findIndex((i) => i.current);
  useEffect(() => {
    const nav = ref.current, tab = nav.children[at];
    const show = (one) => {
      const bar = nav.getBoundingClientRect(), place = one.getBoundingClientRect();
      if (place.left < bar.left) nav.scrollLeft -= bar.left - place.left;
      else if (place.right > bar.right) nav.scrollLeft += place.right - bar.right;
    };
    // Browsers leave a tab cut off that gets the focus and is seen in part.
    const focused = (e) => e.target !== nav && show(e.target);
    nav.addEventListener("focusin", focused);
    const bring = () => tab && show(nav.contains(document.activeElement) ? document.activeElement : tab);
    bring();
    const watcher = new ResizeObserver(bring); // the window turns, a font arrives, a number comes beside a tab
    watcher.observe(nav);
    for (const one of nav.children) watcher.observe(one);
    return () => {
      nav.removeEventListener("focusin", focused);
      watcher.disconnect();
    };
  }, [at]);
  return html`<nav ref=${ref} class="tabs" aria-label=${label}>${items.map((i) => html`<a href=${i.href} aria-current=${i.current ? "page" : undefined}>${i.text}${i.count ? html` <${Badge} kind=${i.kind || ""}>${i.count}<//>` : ""}</a>`)}</nav>`;
}

// Spark is a small chart of numbers, oldest first.
export function Spark({ values, label, max }) {
  const top = Math.max(max || 0, 1, ...values), n = Math.max(values.length, 1);
  return html`<svg class="spark" viewBox="0 0 120 28" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${values.map((v, i) => html`<rect x=${(i * 120) / n} width=${Math.max(120 / n - 0.6, 0.5)} y=${28 - (28 * v) / top} height=${(28 * v) / top}/>`)}
  </svg>`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// Time shows a moment: the clock today, the date before; the whole of it as a hint.
export function Time({ at }) {
  if (!at) return null;
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  return html`<time datetime=${at} title=${full.format(moment)}>${today ? clock.format(moment) : full.format(moment)}</time>`;
}

// span puts seconds into words: "0.8 s", "3 min", "2 h 5 min".
export function span(seconds) {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const count = (n, one, many = `${one}s`) => `${Number(n || 0).toLocaleString()} ${Number(n) === 1 ? one : many}`;

// copy puts a text on the clipboard, also where the page did not come over HTTPS, and reports whether it is there.
export async function copy(text) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.readOnly = true;
    // Within a dialog nothing else can be selected.
    const dialogs = document.querySelectorAll("dialog[open]");
    (dialogs[dialogs.length - 1] || document.body).append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  toast(done ? "Copied" : "It could not be copied. Select the text and copy it by hand.");
  return done;
}
