// What history tells, and what can be undone there: node history.mjs WORLD, a JSON object, with an admin's token in CONSOLE_TOKEN.
import { scene, until, equal, caller, arrive } from './lib.mjs';

const { world, onPhone, browser, page, api, button, toast, edit, place, listed, looks, dimly, step, ...at } = await scene('history', process.env.CONSOLE_TOKEN);
const rows = '/v1/links/plants/sources/database/rows';
const row = (source, id) => api('GET', `/v1/links/plants/sources/${source}/rows/${id}?maxStaleness=0s`);
const change = (text) => page.getByRole('listitem').filter({ hasText: text });
const who = {};
for (const displayName of ['ann', 'bob']) {
  const { secret } = await api('POST', '/v1/tokens', { displayName, role: 'EDITOR' });
  who[displayName] = caller(world.base, secret);
}
const { ann, bob } = who;
const both = async () => [await listed('plants', 'database'), await listed('plants', 'sheet')];
// same waits until both sides have these rows.
const same = (want, what) => until(async () => (await both()).every((side) => JSON.stringify(side) === JSON.stringify(want)), `${what}: both sides do not have the rows that are wanted`);
const settled = (id, want) => until(async () => (await Promise.all([row('database', id), row('sheet', id)])).every(({ values }) => Object.entries(want).every(([k, v]) => values[k] === v)),
  `row ${id} is not ${JSON.stringify(want)} on both sides`);
const filled = (label, value) => page.getByLabel(label, { exact: true }).fill(value);
const asked = () => page.getByRole('dialog');
// moment is now as the API says it, on a second of its own: what comes after it is not told apart otherwise.
async function moment() {
  await at.quiet('plants');
  const { changes = [] } = await api('GET', '/v1/links/plants/changes?pageSize=1');
  const after = (Math.floor(Math.max(Date.now(), ...changes.map((c) => Date.parse(c.applyTime))) / 1000) + 1) * 1000;
  await until(() => Date.now() >= after, 'the clock stands still');
  return after;
}
// typed is a moment as an input of date and time has it, in the zone of the browser.
const typed = (time) => page.evaluate((t) => new Date(t - new Date(t).getTimezoneOffset() * 60000).toISOString().slice(0, 19), time);

const before = (await both())[0];
let since = 0;

await step('nothing is lost in the list while it fills', async () => {
  await arrive(page, world.base, `links/plants/sync/history`);
  since = await moment();
  for (const id of [1, 2, 3, 4, 5]) await ann('PATCH', `${rows}/${id}`, { values: { name: `Of Ann ${id}` } });
  await ann('DELETE', `${rows}/10`);
  await at.quiet('plants');
  for (const id of [4, 5, 6]) await bob('PATCH', `${rows}/${id}`, { values: { name: `Of Bob ${id}` } });
  await bob('POST', rows, { values: { name: 'Added by Bob', pots: 3 } });
  await edit({ setCell: { sheet: 'Data', a1: `B${await place(11)}`, input: 'By hand' } });
  await until(async () => (await row('database', 11)).values.name === 'By hand', 'what was typed did not arrive');
  await at.quiet('plants');
  for (const text of ['Of Ann 1', 'Of Ann 5', 'Of Bob 6', 'Added by Bob', 'By hand']) await change(text).first().waitFor();
});

await step('everything of one actor, since a moment', async () => {
  const { changes } = await api('GET', '/v1/links/plants/changes?row=1&pageSize=1');
  if (onPhone) await page.getByText('More filters').click();
  await filled('Who', changes[0].actor);
  await page.getByText('6 changes found').waitFor();
  equal(await change('Of Bob').count() + await change('By hand').count(), 0, 'changes of others');
  await looks('of-one');
  await button('Undo since a moment…').click();
  await asked().getByLabel('Undo everything since').fill(await typed(since));
  await asked().getByText('4 rows will be put back as before. 2 rows cannot be undone, for the reasons below.').waitFor();
  await asked().getByText(/^Rows (4, 5|5, 4):/).waitFor();
  equal(await asked().getByLabel('Only changes that fit the filter of the list').isChecked(), true, 'only those of the filter');
  await looks('of-one-since');
  await button('Undo 4 rows').click();
  await page.getByRole('heading', { name: 'Undone, as far as it went' }).waitFor();
  await asked().getByText('4 rows were put back as before. 2 rows stayed as they are, for the reasons below.').waitFor();
  await looks('of-one-undone');
  await asked().getByRole('button', { name: 'Close' }).last().click();
  const want = structuredClone(before);
  for (const id of [4, 5, 6]) want[id].name = `Of Bob ${id}`;
  want[11].name = 'By hand';
  want[31] = { ...want[30], id: 31, name: 'Added by Bob', pots: 3, watered: '2026-01-01T00:00:00Z' };
  await same(want, 'without what Ann did');
  const { rows: list } = await api('GET', `${rows}?filter=id%3D10`);
  equal(list.length, 1, 'rows that Ann had deleted');
});

await step('one change, and a row', async () => {
  const button = (name) => page.getByRole('button', { name, exact: true });
  await button('Clear the filter').click();
  await filled('Row', '12');
  await page.getByText('1 change found').waitFor(); // the initial sync
  for (const name of ['First', 'Second', 'Third']) {
    await ann('PATCH', `${rows}/12`, { values: { name } });
    await settled(12, { name });
    await change(name).first().waitFor();
  }
  await page.getByText('4 changes found').waitFor();
  await looks('of-a-row');
  await change('Third').getByRole('button', { name: 'Undo: row 12 changed' }).click();
  await asked().getByText('1 row will be put back as before.').waitFor();
  await looks('one-change');
  await button('Undo 1 row').click();
  await toast('1 row put back in the database; the sheet follows.');
  await settled(12, { name: 'Second' });

  await change('Plant 12').filter({ hasText: 'First' }).getByRole('button', { name: 'Undo: row 12 changed' }).click();
  await page.getByRole('radio', { name: 'All changes of row 12' }).check();
  await asked().getByText('1 row will be put back as before.').waitFor();
  await button('Undo 1 row').click();
  await toast('1 row put back in the database; the sheet follows.');
  await settled(12, { name: 'Plant 12' });
});

await step('what is newer is not lost, unless by force', async () => {
  await filled('Row', '7');
  await ann('PATCH', `${rows}/7`, { values: { name: 'Older', pots: 70 } });
  await settled(7, { name: 'Older' });
  await bob('PATCH', `${rows}/7`, { values: { name: 'Newer' } });
  await settled(7, { name: 'Newer' });
  await change('Newer').first().waitFor();
  await change('Plant 7').filter({ hasText: 'Older' }).getByRole('button', { name: 'Undo: row 7 changed' }).click();
  await asked().getByText('1 row cannot be undone, for the reasons below.').waitFor();
  await asked().getByText(/somebody else changed .*name.* as well/i).waitFor();
  equal(await button('Undo', asked()).isDisabled(), true, 'undoing what is refused is possible');
  await looks('refused');
  const force = asked().getByLabel(/^Force it/);
  await force.check();
  await asked().getByText('1 row will be put back as before.').waitFor();
  await force.uncheck();
  await asked().getByText('1 row cannot be undone, for the reasons below.').waitFor();
  equal((await row('database', 7)).values.name, 'Newer', 'the row, as long as nothing is forced');
  await force.check();
  await button('Undo 1 row').click();
  await toast('1 row put back in the database; the sheet follows.');
  await settled(7, { name: 'Plant 7', pots: before[7].pots });
  await page.getByLabel('Cause').selectOption('Undone');
  await change('Newer').first().waitFor(); // it can be found, and brought back
});

await step('everything since a moment', async () => {
  await button('Clear the filter').click();
  await button('Undo since a moment…').click();
  await asked().getByLabel('Undo everything since').fill(await typed(since));
  await asked().getByText(/rows? will be put back as before/).waitFor();
  await looks('since');
  await asked().getByRole('button', { name: /^Undo \d+ rows?$/ }).click();
  await toast(/rows? put back in the database; the sheet follows\./);
  await same(before, 'after everything was undone');
  await at.quiet('plants');
  await dimly('all', 'links/plants/sync/history');
});

await step('what cannot be searched for says so', async () => {
  await filled('Row', 'none');
  await page.locator('.field.wrong').getByText(/number|key/i).waitFor();
  await looks('wrong-row');
  await button('Clear the filter').click();
  await change('Added by Bob').first().waitFor();
});

await browser.close();
