// More of everything than the console shows at once: node pages.mjs WORLD, a JSON object.
import { scene, equal, until, ready, arrive } from './lib.mjs';
import { people } from './rows-people.mjs';

const at = await scene('pages');
const { world, browser, page, api, button, toast, edit: inSheet, cells, listed, quiet, looks, step } = at;
const { shownRows, shownRow, found, edit, field, save, closed } = people(at, { title: 'name' });
const sql = async (statement) => {
  const answer = await fetch(world.sql, { method: 'POST', body: statement });
  if (!answer.ok) throw new Error(`${statement}: ${await answer.text()}`);
};
const cards = page.locator('.sync-cards > li');
const lines = page.locator('.sync-changes > li');
const names = async (list, selector) => (await list.locator(selector).allTextContents()).map((text) => text.match(/\d+/)[0]);
const once = (list, n, what) => equal([list.length, new Set(list).size], [n, n], what);
const link = () => api('GET', '/v1/links/plants');
const go = async (where) => {
  await arrive(page, world.base, `links/plants/${where}`);
};
// paste types into a column of the sheet, below its header, row by row; null leaves a cell as it is.
const paste = async (column, input) => inSheet(...(await cells()).slice(1).map(([id], i) => [input(id), i + 2]).filter(([text]) => text !== null)
  .map(([text, place]) => ({ setCell: { sheet: 'Data', a1: `${column}${place}`, input: text } })));

for (const source of ['database', 'sheet']) {
  await step(`rows of the ${source}`, async () => {
    await go(`rows/${source}`);
    await found('260 rows');
    for (let n = 50; n < 260; n += 50) {
      equal(await shownRows().count(), n, 'rows that are shown');
      await button('Show more').click();
      await until(async () => (await shownRows().count()) === Math.min(n + 50, 260), 'more rows are not shown');
    }
    equal(await button('Show more').count(), 0, 'more to show');
    // What changed just before may be on its way to what is shown of the sheet.
    const shown = await until(async () => {
      const found = (await shownRows().allInnerTexts()).map((text) => text.match(/Plant (\d+)/));
      return found.every(Boolean) && found.map(([, id]) => id);
    }, 'a row is not shown as it is');
    once(shown, 260, 'rows, and different ones');
    // What changes on the last page is changed there, also when it changes elsewhere.
    await page.locator('.live.on').waitFor();
    await edit('Plant 257');
    await field('name').fill(`Last in the ${source}`);
    await save();
    await closed();
    await until(async () => Promise.all(['database', 'sheet'].map((side) => api('GET', `/v1/links/plants/sources/${side}/rows/257?maxStaleness=0s`)))
      .then((both) => both.every((row) => row.values.name === `Last in the ${source}`)), 'the edit did not arrive on both sides');
    await sql("UPDATE plants SET name = 'Plant 257' WHERE id = 257");
    await shownRow('Plant 257').waitFor();
    equal(await shownRows().count(), 260, 'rows that are shown after one of them changed');
    await quiet('plants');
  });
}

await step('120 conflicts and 70 row errors', async () => {
  await api('POST', '/v1/links/plants:pause');
  await sql("UPDATE plants SET name = CONCAT('Here ', id) WHERE id <= 120");
  await paste('B', (id) => (id <= 120 ? `There ${id}` : null));
  await paste('C', (id) => (id > 120 && id <= 190 ? 'many' : null));
  await api('POST', '/v1/links/plants:resume');
  await until(async () => {
    const { status } = await link();
    return Number(status.conflicts) === 120 && Number(status.rowErrors) === 70;
  }, 'the conflicts and errors are not there');
});

await step('conflicts', async () => {
  await go('sync/conflicts');
  for (const n of [50, 100]) {
    await until(async () => (await cards.count()) === n, `not ${n} conflicts are shown`);
    await button('Show more').click();
  }
  await until(async () => (await cards.count()) === 120, 'not all conflicts are shown');
  await until(async () => (await button('Show more').count()) === 0, 'there is still more to show');
  once(await names(cards, 'h3'), 120, 'conflicts, and different ones');
  await page.getByText('Settle all 120 conflicts at once:').waitFor();
  const [last] = (await names(cards, 'h3')).slice(-1);
  await button(`Take database for row ${last}`).click();
  await until(async () => (await cards.count()) === 119, 'the conflict that was settled is still shown');
  await page.getByText('Settle all 119 conflicts at once:').waitFor();

  // From the first page, all of all pages are settled.
  await page.reload();
  await until(async () => (await cards.count()) === 50, 'not the first page is shown');
  await button('All from sheet').click();
  await page.getByText(/also in those that are not shown/).waitFor();
  await looks('settle-all', { full: false });
  await button('Take the sheet for all').click();
  await toast('119 conflicts decided for the sheet.');
  await page.getByText('No conflicts').waitFor();
  for (const source of ['database', 'sheet']) {
    await until(async () => Object.values(await listed('plants', source)).every(({ id, name }) => name === (id > 120 ? `Plant ${id}` : String(id) === last ? `Here ${id}` : `There ${id}`)),
      `the ${source} does not have what was chosen`);
  }
});

await step('row errors', async () => {
  await go('sync/errors');
  await until(async () => (await cards.count()) === 50, 'not the first page is shown');
  await button('Show more').click();
  await until(async () => (await cards.count()) === 70, 'not all errors are shown');
  equal(await button('Show more').count(), 0, 'more to show');
  once(await names(cards, 'h3'), 70, 'rows with errors, and different ones');
  await paste('C', (id) => (id > 120 && id <= 190 ? '3' : null));
  await page.getByText('No row errors').waitFor();
  await quiet('plants');
});

await step('history', async () => {
  await sql("UPDATE plants SET name = CONCAT('Later ', id) WHERE id > 200");
  await until(async () => Object.values(await listed('plants', 'sheet')).every(({ id, name }) => id <= 200 || name === `Later ${id}`), 'the changes did not arrive');
  await quiet('plants');
  await go('sync/history');
  equal(await lines.count(), 50, 'changes of the first page');
  const change = lines.filter({ hasText: 'There 1' }).filter({ has: page.getByRole('button', { name: 'Only changes of row 1', exact: true }) });
  equal(await change.count(), 0, 'the change, on the first page');
  const all = [];
  for (let token = ''; ;) {
    const answer = await api('GET', `/v1/links/plants/changes?pageSize=1000&pageToken=${encodeURIComponent(token)}`);
    all.push(...answer.changes);
    if (!(token = answer.nextPageToken)) break;
  }
  const more = button('Show older changes');
  for (let n = 50; n < all.length; n += 50) {
    await page.getByText(`${n} or more changes`, { exact: true }).waitFor();
    await more.click();
    await until(async () => (await lines.count()) === Math.min(n + 50, all.length), 'older changes are not shown');
  }
  await page.getByText(`${all.length} changes`, { exact: true }).waitFor();
  equal(await more.count(), 0, 'older ones still');
  equal(await names(lines, '.sync-row'), all.map((c) => c.key), 'the changes, latest first');
  equal(await change.count(), 1, 'the change, on a later page');

  // Searched for, it is found at once.
  await page.reload();
  await ready(page);
  await page.getByLabel('Row', { exact: true }).fill('1');
  await change.waitFor();
  equal(await names(lines, '.sync-row'), all.filter((c) => c.key === '1').map(() => '1'), 'the changes of one row');
  await button('Clear the filter').click();
  await page.getByText('50 or more changes', { exact: true }).waitFor();
});

await step('what is undone is more than a page, too', async () => {
  const first = (await api('GET', '/v1/links/plants/changes?pageSize=60')).changes.at(-1);
  equal(first.after.name.startsWith('Later'), true, 'the first of the changes that are undone');
  await button('Show older changes').click();
  await lines.nth(59).getByRole('button', { name: /^Undo:/ }).click();
  await page.getByRole('radio', { name: /^Everything since this change/ }).check();
  await page.getByText('60 rows will be put back as before.', { exact: true }).waitFor();
  await button('Undo 60 rows').click();
  await toast('60 rows put back in the database; the sheet follows.');
  for (const source of ['database', 'sheet']) {
    await until(async () => Object.values(await listed('plants', source)).every(({ id, name }) => id <= 200 || name === `Plant ${id}`), `the ${source} does not have what was undone`);
  }
});

await browser.close();
