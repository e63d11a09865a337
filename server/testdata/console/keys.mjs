// Rows whose key has two parts, one of them a text that addresses, filters and sheets are tempted to change: node keys.mjs WORLD, a
// JSON object.
import { scene, equal, until, arrive } from './lib.mjs';
import { people } from './rows-people.mjs';

const at = await scene('keys');
const { world, browser, page, api, button, toast, edit: inSheet, place, looks, step } = at;
const { shownRows, shownRow, found, dialog, edit, field, save, closed, remove } = people(at, { title: 'label' });
const other = { database: 'sheet', sheet: 'database' };
const address = (source, shelf, slot) => `/v1/links/parts/sources/${source}/rows/${encodeURIComponent(shelf.replaceAll('~', '~0'))}~${slot}`;
const row = async (source, ...key) => (await api('GET', `${address(source, ...key)}?maxStaleness=0s`)).values;
const bolt = ['00 7/8 50%', 1], name = bolt.join('~'), quiet = () => at.quiet('parts');
const both = (key, want) => until(async () => {
  const sides = await Promise.all([row('database', ...key), row('sheet', ...key)].map((side) => side.catch(() => null)));
  return sides.every((side) => JSON.stringify(side) === JSON.stringify(want));
}, `row ${key.join('~')} is not ${JSON.stringify(want)} on both sides`);
const values = (shelf, slot, label, stock) => ({ shelf, slot, label, stock });
const open = async (source) => {
  await page.goto(`${world.base}#/links/parts/rows/${source}`);
  await found('10 rows');
  await page.locator('.live.on').waitFor();
};
const cell = async (column, [shelf, slot]) => `${column}${await place((cells) => cells[0] === shelf && cells[1] === slot)}`;

for (const source of ['database', 'sheet']) {
  await step(`${source}: each row is edited in its place`, async () => {
    await open(source);
    const list = Object.values(await at.listed('parts', source));
    equal(list.length, 10, 'rows of the API');
    for (const { shelf, slot, label, stock } of list) {
      await edit(label);
      await field('label').fill(`${label}, ${source}`);
      await save();
      await closed();
      await shownRow(`${label}, ${source}`).waitFor();
      await both([shelf, slot], values(shelf, slot, `${label}, ${source}`, stock));
    }
    await looks(source);
    equal(await shownRows().count(), 10, 'rows that are shown');
    // Read anew by their keys, the rows are still all there.
    for (const { shelf, slot, label } of list) await api('PATCH', address(other[source], shelf, slot), { values: { label } });
    for (const { label } of list) await until(async () => (await shownRows().filter({ hasText: label }).filter({ hasNotText: `, ${source}` }).count()) === 1, `${label} does not arrive live`);
    await quiet();
  });

  await step(`${source}: deleted, and undone`, async () => {
    await open(source);
    const was = await row(source, ...bolt);
    await remove('Bolt');
    await button('Undo').focus();
    await until(async () => row(other[source], ...bolt).then(() => false, (e) => /404/.test(e)), 'the deletion did not reach the other side');
    await button('Undo').click();
    await shownRow('Bolt').waitFor();
    await both(bolt, was);
    await quiet();
  });

  await step(`${source}: a row is added`, async () => {
    await open(source);
    await button('Add row').click();
    const form = dialog(`New row in the ${source}`);
    for (const [label, text] of [['shelf', '0050 % / ~x'], ['slot', '77'], ['label', 'Chain'], ['stock', '4']]) await form.getByLabel(label).fill(text);
    await form.getByRole('button', { name: 'Add row' }).click();
    await form.waitFor({ state: 'detached' });
    await shownRow('Chain').waitFor();
    await both(['0050 % / ~x', 77], values('0050 % / ~x', 77, 'Chain', 4));
    await api('DELETE', address(source, '0050 % / ~x', 77));
    await quiet();
  });

  await step(`${source}: somebody was faster`, async () => {
    const [mine, theirs] = source === 'database' ? [5, 6] : [15, 16];
    await open(source);
    await edit('Bolt');
    await field('stock').fill(String(mine));
    await api('PATCH', address(source, ...bolt), { values: { stock: theirs, label: 'Bolt of theirs' } });
    await save();
    const versions = dialog('This row changed meanwhile');
    for (const text of [String(mine), String(theirs), 'Bolt of theirs']) await versions.getByText(text, { exact: true }).first().waitFor();
    await looks(`versions-${source}`);
    await versions.getByRole('button', { name: 'Write mine again' }).click();
    await closed();
    await both(bolt, values(...bolt, 'Bolt of theirs', mine));
    await api('PATCH', address(source, ...bolt), { values: { label: 'Bolt' } });
    await both(bolt, values(...bolt, 'Bolt', mine));
    await quiet();
  });
}

await step('conflicts', async () => {
  await open('database');
  await api('POST', '/v1/links/parts:pause');
  await api('PATCH', address('database', ...bolt), { values: { label: 'Bolt here' } });
  await inSheet({ setCell: { sheet: 'Data', a1: await cell('C', bolt), input: 'Bolt there' } });
  await api('POST', '/v1/links/parts:resume');
  await shownRow('Bolt here').getByText('conflict').waitFor();
  await page.getByRole('link', { name: 'Settle it' }).click();
  await page.getByRole('link', { name: /^Conflicts/ }).click();
  await page.getByRole('heading', { name: `Row ${name}`, exact: false }).waitFor();
  await looks('conflict');
  await button(`Take sheet for row ${name}`).click();
  await toast(`Row ${name}: both sides get the value of the sheet.`);
  await page.getByText('No conflicts').waitFor();
  await both(bolt, values(...bolt, 'Bolt there', 15));
  await quiet();
});

await step('row errors', async () => {
  await inSheet({ setCell: { sheet: 'Data', a1: await cell('D', bolt), input: 'many' } });
  await page.getByRole('link', { name: /^Errors/ }).click();
  await page.getByRole('heading', { name: `Row ${name}, column stock` }).waitFor();
  await looks('error');
  await page.getByRole('link', { name: 'Show the row' }).click();
  await shownRow('Bolt there').getByText('error', { exact: true }).waitFor();
  await inSheet({ setCell: { sheet: 'Data', a1: await cell('D', bolt), input: '8' } });
  await both(bolt, values(...bolt, 'Bolt there', 8));
  await quiet();
});

await step('history', async () => {
  await arrive(page, world.base, `links/parts/sync/history`);
  await page.getByRole('button', { name: `Only changes of row ${name}`, exact: true }).first().click();
  const { changes } = await api('GET', `/v1/links/parts/changes?pageSize=1000&row=${encodeURIComponent(`${encodeURIComponent(bolt[0])}~1`)}`);
  await page.getByText(`${changes.length} changes found`).waitFor();
  equal(await page.getByLabel('Row', { exact: true }).inputValue(), name, 'what is searched for');
  const names = await page.getByRole('button', { name: /^Only changes of row/ }).allTextContents();
  equal([...new Set(names)], [name], 'rows that are found');
  await looks('history');
  await page.getByRole('listitem').filter({ hasText: 'Bolt there' }).getByRole('button', { name: `Undo: row ${name} changed` }).first().click();
  await page.getByText('1 row will be put back as before.').waitFor();
  await button('Undo 1 row').click();
  await toast(/1 row put back/);
  await until(async () => (await row('sheet', ...bolt)).label !== 'Bolt there', 'nothing was undone');
  await both(bolt, await row('database', ...bolt));
});

await browser.close();
