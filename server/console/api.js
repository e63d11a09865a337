// The REST API, as the console uses it. Every call goes to the server that served the page.

const kept = "tandem.token";
const base = new URL(".", document.baseURI).pathname.replace(/\/$/, "");

let secret = sessionStorage.getItem(kept) || localStorage.getItem(kept) || "";
let refused = () => {};

// signIn remembers a token, in this tab alone or on this device.
export function signIn(token, stay) {
  signOut();
  secret = token;
  if (token) (stay ? localStorage : sessionStorage).setItem(kept, token);
}

export function signOut() {
  secret = "";
  sessionStorage.removeItem(kept);
  localStorage.removeItem(kept);
}

export const signedIn = () => secret !== "";

// onRefused is called when the server asks who this is.
export function onRefused(callback) {
  refused = callback;
}

// ApiError is an answer that is no success: google.rpc.Status, taken apart.
export class ApiError extends Error {
  constructor(status, body) {
    super((body && body.message) || `The server answered ${status}.`);
    this.status = status;
    this.code = body && body.code;
    this.reason = "";
    this.metadata = {};
    this.fields = []; // {field, description}
    this.retryAfter = 0; // seconds
    this.row = null; // the row as it is now, with a 412 or a 409
    for (const detail of (body && body.details) || []) {
      const type = (detail["@type"] || "").split("/").pop();
      if (type === "google.rpc.ErrorInfo") {
        this.reason = detail.reason || "";
        this.metadata = detail.metadata || {};
      } else if (type === "google.rpc.BadRequest") {
        this.fields.push(...(detail.fieldViolations || []));
      } else if (type === "google.rpc.RetryInfo") {
        this.retryAfter = parseFloat(detail.retryDelay) || 0;
      } else if (type === "tandem.v1.Row") {
        this.row = detail.value || detail;
      }
    }
  }

  // passing reports whether the same call may well succeed in a while, and again in how many milliseconds; 0: it will not.
  passing() {
    return this.status === 0 || this.status === 429 || this.status === 503 ? Math.max(this.retryAfter * 1000, 5000) : 0;
  }

  // of returns what is wrong with a field, "" when nothing is.
  of(field) {
    const found = this.fields.find((v) => v.field === field || v.field.endsWith(`.${field}`) || v.field.endsWith(`["${field}"]`));
    return found ? found.description : "";
  }
}

// typed reports whether something that a person typed stands on the page.
const touched = new Set();
addEventListener("input", (e) => touched.add(e.target), true);
export function typed() {
  for (const input of touched) if (!input.isConnected) touched.delete(input);
  return [...touched].some((input) => input.type !== "search" && (input.value !== "" || input.type === "checkbox"));
}

const offline = () => new ApiError(0, { message: `The server cannot be reached. ${typed() ? "What you typed is still here; try" : "Try"} again in a moment.` });

// call makes one call. query's empty values are left out; options: body, etag, key (of idempotency), signal.
export async function call(method, path, { query, body, etag, key, signal } = {}) {
  const url = new URL(base + path, location.origin);
  for (const [name, value] of Object.entries(query || {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const headers = { Accept: "application/json" };
  if (secret) headers.Authorization = `Bearer ${secret}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  if (key) headers["Idempotency-Key"] = key;
  let answer;
  try {
    answer = await fetch(url, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    throw error.name === "AbortError" ? error : offline();
  }
  const text = await answer.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    data = { message: text.slice(0, 300) };
  }
  if (!answer.ok) {
    if (answer.status === 401) refused();
    throw new ApiError(answer.status, data);
  }
  return data;
}

export const get = (path, query, options) => call("GET", path, { ...options, query });
export const post = (path, body, options) => call("POST", path, { ...options, body: body || {} });
export const patch = (path, body, options) => call("PATCH", path, { ...options, body });
export const remove = (path, options) => call("DELETE", path, options);

// all reads every page of a list, up to a limit.
export async function all(path, field, query, limit = 1000) {
  const found = [];
  for (let pageToken = ""; found.length < limit; ) {
    const page = await get(path, { pageSize: Math.min(1000, limit), ...query, pageToken });
    found.push(...(page[field] || []));
    if (!(pageToken = page.nextPageToken)) break;
  }
  return found;
}

// seen waits for as long as the page is hidden.
async function seen() {
  while (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

// until follows a long-running operation to its end: update gets it whenever it moves. stop() leaves off watching; the operation
// goes on.
export function until(name, update) {
  let going = true;
  const done = (async () => {
    for (let pause = 300; going; pause = Math.min(pause * 1.5, 2000)) {
      const operation = await get(`/v1/${name}`);
      if (going) update(operation);
      if (operation.done) return operation;
      await new Promise((resolve) => setTimeout(resolve, pause));
      await seen();
    }
    return null;
  })();
  return { done, stop: () => (going = false) };
}

// another waits until somebody has signed in with another token than this one.
async function another(was, signal) {
  while (secret === was && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 300));
}

// watch follows a stream of Server-Sent Events. each(data, id) gets every event; state(live) tells when the stream breaks and
// comes back. It resumes after the last event, be it of an earlier watch, as at(id) told it and from gives it; it begins anew,
// calling lost(), when that is no longer retained.
export function watch(path, { each, state = () => {}, lost = () => {}, at = () => {}, from = "", query = {} }) {
  const stop = new AbortController();
  let last = from;
  const anew = () => {
    at((last = ""));
    lost();
  };
  (async () => {
    for (let pause = 500; !stop.signal.aborted; pause = Math.min(pause * 2, 15000)) {
      try {
        const url = new URL(base + path, location.origin);
        for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
        const headers = { Accept: "text/event-stream" };
        if (secret) headers.Authorization = `Bearer ${secret}`;
        if (last) headers["Last-Event-ID"] = last;
        const answer = await fetch(url, { headers, signal: stop.signal });
        if (!answer.ok) {
          if (answer.status === 401) {
            refused();
            await another(secret, stop.signal);
            continue;
          }
          if (answer.status === 400 && last) anew();
          if (answer.status === 403 || answer.status === 404) return;
          throw new Error(`status ${answer.status}`);
        }
        state(true);
        pause = 500;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ""; ; ) {
          const { done, value } = await reader.read();
          if (done) break;
          rest += value;
          let end;
          while ((end = rest.search(/\r?\n\r?\n/)) >= 0) {
            const block = rest.slice(0, end);
            rest = rest.slice(end).replace(/^\r?\n\r?\n/, "");
            let data = "", id = null, kind = "";
            for (const line of block.split(/\r?\n/)) {
              if (line.startsWith("data:")) data += (data ? "\n" : "") + line.slice(5).trimStart();
              else if (line.startsWith("id:")) id = line.slice(3).trim();
              else if (line.startsWith("event:")) kind = line.slice(6).trim();
            }
            if (id) at((last = id));
            if (kind === "error") {
              if (data.includes("RESUME_TOKEN_EXPIRED")) anew();
              throw new Error(data);
            }
            if (data) each(JSON.parse(data), id);
          }
        }
      } catch {
        if (stop.signal.aborted) return;
      }
      if (stop.signal.aborted) return;
      state(false);
      await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
    }
  })();
  return () => stop.abort();
}

// uuid is a new key of idempotency; crypto.randomUUID exists only where the page came over HTTPS or from this machine.
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
