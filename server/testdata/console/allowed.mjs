// What each token is shown, and what the server lets it do: node allowed.mjs WORLD, a JSON object, with an admin's token in
// CONSOLE_TOKEN. Whatever is shown is tried as that token; what only others are shown is tried, too, and must be refused.
import { scene, visit, caller, equal, until, arrive, ready } from './lib.mjs';

const admin = process.env.CONSOLE_TOKEN;
const { world, size, onPhone, browser, api, edit, place, quiet, looks, step } = await scene('allowed', admin);
const films = '/v1/links/films', rows = `${films}/sources/database/rows`, stale = { 'If-Match': '"0"' };

// calls are those that stand behind what can be pressed, by its name, so that they change nothing where they are let through. What
// only moves about on the page has none.
const calls = [
  [/^(Add row|Add)$/, 'POST', `${rows}?validateOnly=true`, { values: { title: 'Allowed' } }],
  [/^Edit (?!the columns)/, 'PATCH', `${rows}/1?validateOnly=true`, { values: { title: 'Allowed' } }],
  [/^Delete (?!the link)/, 'DELETE', `${rows}/1`, undefined, stale],
  [/^Pause$/, 'POST', `${films}:pause`], [/^Resume$/, 'POST', `${films}:resume`],
  [/^(Plan|Apply this plan|Put the plan away)/, 'POST', `${films}:initialSync`, { plan: 'none' }],
  [/^(Apply: |Put back: |It is in order again)/, 'POST', `${films}:approve`, {}],
  [/^All from /, 'POST', `${films}/conflicts:batchResolve`, { requests: [{ name: 'links/films/conflicts/none', take: 'SHEET' }] }],
  [/^(Take (database|sheet) for|Another value…|Column by column…)/, 'POST', `${films}/conflicts/none:resolve`, { take: 'SHEET' }],
  [/^Undo/, 'POST', `${films}/changes:revert`, { since: '2126-01-01T00:00:00Z', validateOnly: true }],
  [/^(Save|Discard changes|Edit the columns)$/, 'PATCH', `${films}?updateMask=displayName`, { displayName: 'Films', etag: '"0"' }],
  [/^Add a rule$/, 'POST', `${films}:testRules`, {}],
  [/^(Show the script|Copy|Copy .*\.gs|Copy appsscript\.json)$/, 'GET', `${films}/appsScript`],
  [/^Make a new secret…$/, 'POST', `${films}:rotateHookSecret`, {}],
  [/^New link$/, 'POST', '/v1/links?linkId=films', { table: 'films', spreadsheetId: world.spreadsheet, tab: 'Data' }],
  [/^New token$/, 'POST', '/v1/tokens', {}],
  [/^Revoke /, 'DELETE', '/v1/tokens/none'],
  [/^Access$/, 'GET', '/v1/tokens'],
  [/^Settings$/, 'PATCH', `${films}?updateMask=displayName`, { displayName: 'Films', etag: '"0"' }],
  [/^Delete the link…$/, 'DELETE', films], // the last one: it is done
];
const moves = /^(Filter|Filter by .*|Refresh(ing…)?|Show more|Show all rows|Show older changes|Clear .*|Only changes of row .*|\d+ more|All links|Show the row|Open in Google Sheets.*|Open the sheet.*|Try again|id|title|status|episodes|price|aired|shown_at|seen|note)$/;
const behind = (name) => {
  const call = calls.find(([pattern]) => pattern.test(name));
  if (!call && !moves.test(name)) throw new Error(`which call of the API is behind what is named ${name}?`);
  return call;
};

// tokens by name: {secret, role, links, shown: the calls that are offered to it}.
const tokens = {};
for (const role of ['VIEWER', 'EDITOR', 'ADMIN']) {
  for (const links of [[], ['links/films']]) {
    const displayName = `${role}${links.length ? ' of films' : ''}`;
    const { secret } = await api('POST', '/v1/tokens', { displayName, role, links });
    tokens[displayName] = { secret, role, links, shown: new Set(), call: caller(world.base, secret) };
  }
}

// pages are what is looked at, by address, with what is pressed there to see more.
const pages = {
  links: [], access: [], 'links/new': [], 'links/films/rows/database': [], 'links/films/rows/sheet': [], 'links/films/sync': [], 'links/films/sync/conflicts': [],
  'links/films/sync/errors': [], 'links/films/sync/history': [], 'links/films/settings': ['Edit the columns', 'Show the script'], 'links/others/rows/database': [], 'links/others/sync': [],
};

// survey goes to the pages as a token, and notes what is offered there. No call that a page makes may be refused, except where
// only the address led there.
async function survey(name, addresses) {
  const token = tokens[name], seen = await visit(browser, world.base, size, { storage: { 'tandem.token': token.secret } });
  let beyond = false;
  const refused = [];
  seen.page.on('response', (r) => { if ([401, 403].includes(r.status()) && !beyond) refused.push(`${r.request().method()} ${r.url()}: ${r.status()}`); });
  for (const address of addresses) {
    beyond = address.startsWith('links/others') && token.links.length > 0;
    await arrive(seen.page, world.base, address);
    if (beyond) await seen.page.getByRole('alert').getByText(/limited to certain links/).waitFor();
    const needs = address === 'links/films/settings' ? token.role === 'ADMIN' : token.role === 'ADMIN' && !token.links.length;
    if (['access', 'links/new', 'links/films/settings'].includes(address)) equal(await seen.page.getByText('An admin can do this').count(), needs ? 0 : 1, `${name} at ${address}: that an admin can do this`);
    for (const press of pages[address]) {
      const more = seen.page.getByRole('button', { name: press });
      if (!(await more.count())) continue;
      await more.click();
      await more.waitFor({ state: 'detached' });
      await ready(seen.page);
    }
    if (address.endsWith('/new') && token.role === 'ADMIN' && !token.links.length) continue; // the wizard itself: what leads there counts
    const offered = seen.page.locator('main button:not(.row-card), main a.button, header nav a, nav.tabs a').filter({ visible: true });
    for (const what of await offered.evaluateAll((all) => all.map((e) => (e.getAttribute('aria-label') || e.innerText).trim().split('\n')[0]))) {
      if (/^(Links|API|Database|Sheet|Sync|Overview|Conflicts|Errors|History)( |$)/.test(what)) continue;
      const call = behind(what);
      if (call) token.shown.add(call);
    }
    if (name === 'VIEWER' && onPhone && address === 'links/films/rows/database') {
      await seen.page.locator('.row-card').first().click();
      await seen.page.getByRole('dialog').getByText('note 1', { exact: true }).waitFor();
      equal(await seen.page.getByRole('dialog').locator('input, select, textarea').count(), 0, 'inputs of a row');
      await looks('viewer-row', { at: seen, full: false });
    }
    if (name === 'VIEWER') await looks(`viewer-${address.replaceAll('/', '-')}`, { at: seen });
  }
  equal(refused, [], `calls of the console that were refused to ${name}`);
  seen.check();
  await seen.context.close();
}

await step('who it is', async () => {
  for (const [name, { call, role, links }] of Object.entries(tokens)) {
    const info = await call('GET', '/v1/info');
    equal([info.role, info.links || []], [role, links], `what the server says of ${name}`);
  }
});

await step('an active link, with conflicts and errors', async () => {
  await api('POST', `${films}:pause`);
  for (const id of [3, 4]) {
    await api('PATCH', `${rows}/${id}`, { values: { note: 'in the database' } });
    await edit({ setCell: { sheet: 'Data', a1: `I${await place(id)}`, input: 'in the sheet' } });
  }
  await edit({ setCell: { sheet: 'Data', a1: `E${await place(6)}`, input: 'many' } });
  await api('POST', `${films}:resume`);
  await until(async () => { const { status } = await api('GET', films); return Number(status.conflicts) === 2 && Number(status.rowErrors) === 1; }, 'the conflicts and the error');
  await api('PATCH', `${rows}/8`, { values: { title: 'Film 08, for the history' } });
  await quiet('films');
  for (const name of Object.keys(tokens)) await survey(name, Object.keys(pages));
});

await step('a paused link', async () => {
  await api('POST', `${films}:pause`);
  for (const name of Object.keys(tokens)) await survey(name, ['links/films/sync']);
  await api('POST', `${films}:resume`);
});

await step('a halted link', async () => {
  await edit({ deleteRows: { sheet: 'Data', start: 20, count: 30 } });
  await until(async () => (await api('GET', films)).state === 'HALTED', 'the link does not halt');
  for (const name of Object.keys(tokens)) await survey(name, ['links/films/sync', 'links/films/sync/history']);
  await api('POST', `${films}:approve`, { putBack: true });
  await quiet('films');
});

await step('what is shown is allowed, and what is allowed is shown', async () => {
  const offered = tokens.ADMIN.shown;
  equal(calls.filter((call) => !offered.has(call)).map(([name]) => String(name)), onPhone ? ['/^Edit (?!the columns)/', '/^Delete (?!the link)/'] : [], 'calls that not even an admin is offered');
  for (const [name, { secret, shown }] of Object.entries(tokens)) {
    for (const call of calls) {
      const [pattern, method, path, body, headers] = call;
      if (onPhone && !offered.has(call)) continue; // there they stand in the row's own form
      if (method === 'DELETE' && path === films && shown.has(call) && name !== 'ADMIN of films') continue; // there is but one link to delete
      const answer = await fetch(new URL(path, world.base), { method, body: body && JSON.stringify(body), headers: { ...headers, Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' } });
      const text = await answer.text();
      equal([name, String(pattern), ![401, 403].includes(answer.status)], [name, String(pattern), shown.has(call)], `${answer.status} ${text}: who, what, and whether it is allowed`);
      if (path.endsWith(':pause') && answer.ok) await api('POST', `${films}:resume`);
    }
  }
  equal((await api('GET', '/v1/links')).links.map((l) => l.name), ['links/others'], 'links that are left');
});

await browser.close();
