// What the tests of the console share: a browser that looks at one server, and what is wrong when it looks elsewhere.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = fileURLToPath(new URL('./screenshots/', import.meta.url));

export const phone = { name: 'phone', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
export const desk = { name: 'desk', viewport: { width: 1440, height: 900 } };

// patience is how long a condition may take on a machine that is busy with other tests.
const patience = 30_000;

// open starts a browser; its pages are closed with it.
export const open = (executablePath) => chromium.launch({ executablePath, args: ['--no-sandbox'] });

// visit opens a page of the console at a width. It collects what must not happen: requests that leave the server, violations
// of the policy, errors in scripts. check() throws what was collected.
export async function visit(browser, base, size, { scheme = 'light', storage = {}, allow = [] } = {}) {
  const { name, ...screen } = size;
  const context = await browser.newContext({ ...screen, colorScheme: scheme, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  context.setDefaultTimeout(patience);
  await context.addInitScript((kept) => {
    for (const [key, value] of Object.entries(kept)) sessionStorage.setItem(key, value);
    globalThis.jumps = [];
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) if (!e.hadRecentInput) globalThis.jumps.push([e.value, ...e.sources.map((s) => `${s.node && (s.node.outerHTML || s.node.textContent || '').slice(0, 90)} from ${s.previousRect.top} to ${s.currentRect.top}`)]);
    }).observe({ type: 'layout-shift', buffered: true });
    addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  }, storage);
  const page = await context.newPage();
  const wrong = [], origin = new URL(base).origin;
  page.on('request', (r) => { if (new URL(r.url()).origin !== origin) wrong.push(`a request left the server: ${r.url()}`); });
  page.on('pageerror', (e) => wrong.push(`an error in a script: ${e.stack || e}`));
  page.on('console', (m) => {
    // The browser reports every answer that is no success, and those are often what a test is about.
    if (m.type() === 'error' && !m.text().startsWith('Failed to load resource') && !allow.some((a) => a.test(m.text()))) wrong.push(`said on the console: ${m.text()}`);
  });
  const shoot = async (what, full = false) => {
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}${what}-${name}-${scheme}.png`, fullPage: full });
  };
  const check = () => {
    if (wrong.length) throw new Error(wrong.join('\n'));
  };
  return { page, context, shoot, check, size, scheme };
}

// arrive loads a page of the console anew, not just its address after the #, and waits for what it loads.
let visits = 0;
export const arrive = async (page, base, hash) => {
  await page.goto(`${base}?visit=${++visits}#/${hash}`);
  await ready(page);
};

// ready waits until what a page loads has come.
export const ready = async (page) => {
  await page.locator('.panel, .sync-changes > li, .sync-cards > li, .empty, .standing, .cards > li, .problem, .link-pick').first().waitFor();
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
};

// accessible throws what axe-core finds serious on a page.
export async function accessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  if (grave.length) {
    throw new Error(`${where}: ${grave.map((v) => `${v.id} (${v.impact}): ${v.help}\n${v.nodes.slice(0, 5).map((n) => `    ${n.html}\n      ${n.failureSummary}`).join('\n')}`).join('\n')}`);
  }
}

// fits throws when a page is wider than its window, so that a thumb would have to push it to and fro.
export async function fits(page, where) {
  const [has, may] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  if (has > may) throw new Error(`${where}: the page is ${has} pixels wide in a window of ${may}`);
}

// touchable throws when something to tap is smaller than a finger. Links within a text are as high as its lines.
export async function touchable(page, where) {
  const small = await page.evaluate(() => [...document.querySelectorAll('button, input:not([type=checkbox]):not([type=radio]), select, textarea, nav a, a.button')]
    .filter((e) => e.checkVisibility() && !e.closest('.hidden-label, .hidden, .standing, p, [inert]') && !e.matches('.hidden-label'))
    .filter((e) => { const r = e.getBoundingClientRect(); return r.width && (r.height < 43.5 || r.width < 35); })
    .map((e) => `${e.outerHTML.slice(0, 120)} ${JSON.stringify(e.getBoundingClientRect())}`));
  if (small.length) throw new Error(`${where}: too small to tap:\n${small.join('\n')}`);
}

// steady throws when what a page showed has jumped about, by itself, more than browsers call good (0.1).
export async function steady(page, where) {
  const jumps = await page.evaluate(() => globalThis.jumps);
  const sum = jumps.reduce((all, [value]) => all + value, 0);
  if (sum > 0.1) throw new Error(`${where}: what is shown jumps by ${sum}:\n${jumps.map((j) => j.join('\n    ')).join('\n')}`);
}

export function equal(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

// until waits until check returns something true.
export async function until(check, what, limit = patience) {
  for (const end = Date.now() + limit; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`after ${limit} ms: ${what}`);
  }
}

// caller makes calls of the REST API, as another program would.
export const caller = (base, token) => async (method, path, body) => {
  const answer = await fetch(new URL(path, base), { method, body: body && JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : {};
};

// scene is what a script begins with: the world it was given as JSON, a browser that looks at it, and what a person does there.
// pictures is how the names of its pictures begin; token is whom the browser and the calls are.
export async function scene(pictures, token = '') {
  const world = JSON.parse(process.argv[2]), size = { phone, desk }[world.size], onPhone = size === phone;
  const browser = await open(world.browser), storage = token ? { 'tandem.token': token } : {};
  const first = await visit(browser, world.base, size, { storage }), { page } = first;
  let dark = null;
  const api = caller(world.base, token), google = caller(world.google);
  const button = (name, within = page) => within.getByRole('button', { name, exact: typeof name === 'string' });
  const toast = (text) => page.locator('.toasts').getByText(text).last().waitFor();
  const edit = (...edits) => google('POST', `/emulator/spreadsheets/${world.spreadsheet}/edits`, { edits });
  // cells are those of a tab, and place is the row in which a key stands; a function finds keys of several parts.
  const cells = async (title = 'Data') => (await google('GET', `/v4/spreadsheets/${world.spreadsheet}/values/${title}?valueRenderOption=UNFORMATTED_VALUE`)).values || [];
  const place = async (key) => (await cells()).findIndex(typeof key === 'function' ? key : (row) => row[0] === key) + 1;
  // listed is a side's rows by key, as the API has them: the values alone.
  const listed = async (id, source) => {
    const rows = {};
    for (let token = ''; ;) {
      const answer = await api('GET', `/v1/links/${id}/sources/${source}/rows?pageSize=1000&maxStaleness=0s&pageToken=${encodeURIComponent(token)}`);
      for (const row of answer.rows || []) rows[row.name.split('/').pop()] = row.values;
      if (!(token = answer.nextPageToken)) return rows;
    }
  };
  const quiet = (id) => until(async () => {
    const { status, state } = await api('GET', `/v1/links/${id}`);
    return state === 'ACTIVE' && !status.pendingRows;
  }, `the link ${id} does not come to rest`);
  // looks checks a page as it is now, and takes its picture; dimly does so with an address in the dark.
  const looks = async (what, { at = first, full = true } = {}) => {
    await accessible(at.page, what);
    await fits(at.page, what);
    if (onPhone) await touchable(at.page, what);
    await at.shoot(`${pictures}-${what}`, full);
    at.check();
  };
  const dimly = async (what, hash) => {
    dark ||= await visit(browser, world.base, size, { scheme: 'dark', storage });
    await arrive(dark.page, world.base, hash);
    await looks(what, { at: dark });
  };
  const step = async (what, run) => {
    const begin = Date.now();
    try {
      await run();
      first.check();
    } catch (error) {
      await first.shoot(`${pictures}-failed`, true).catch(() => {});
      throw new Error(`${world.size}, ${what}: ${error.stack || error}`);
    }
    console.log(`${what}: ${Date.now() - begin} ms`);
  };
  return { world, size, onPhone, browser, first, page, api, google, button, toast, edit, cells, place, listed, quiet, looks, dimly, step };
}
