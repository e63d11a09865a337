// What the tests of the console share: a browser that looks at one server, and what is wrong when it looks elsewhere.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = fileURLToPath(new URL('./screenshots/', import.meta.url));

export const phone = { name: 'phone', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
export const desk = { name: 'desk', viewport: { width: 1440, height: 900 } };

// open starts a browser; its pages are closed with it.
export const open = (executablePath) => chromium.launch({ executablePath, args: ['--no-sandbox'] });

// visit opens a page of the console at a width. It collects what must not happen: requests that leave the server, violations
// of the policy, errors in scripts. check() throws what was collected.
export async function visit(browser, base, size, { scheme = 'light', storage = {}, allow = [] } = {}) {
  const { name, ...screen } = size;
  const context = await browser.newContext({ ...screen, colorScheme: scheme, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  context.setDefaultTimeout(15_000);
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
export async function until(check, what, limit = 15_000) {
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
