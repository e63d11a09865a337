// A link that stops itself, for each of the reasons that there are, and each way on from there: node halts.mjs WORLD, a JSON object.
import { scene, until, equal } from './lib.mjs';

const { world, browser, page, google, button, toast, edit, place, listed, looks, dimly, step, ...at } = await scene('halts');
const quiet = () => at.quiet('plants');
const sql = async (statement) => {
  const answer = await fetch(world.sql, { method: 'POST', body: statement });
  if (!answer.ok) throw new Error(`${statement}: ${await answer.text()}`);
};
const halt = page.getByRole('heading', { name: /^Halted:/ });
const panel = page.locator('.sync-halt');
const dialog = page.getByRole('dialog');
// halts waits until the page says that the link stopped, and why, in these words.
async function halts(title, ...words) {
  await page.getByRole('heading', { name: `Halted: ${title}`, exact: true }).waitFor();
  for (const text of words) await panel.getByText(text).first().waitFor();
  equal((await panel.textContent()).includes('POST /v1'), false, 'calls of the API in the text for people');
}
const goesOn = async () => {
  await halt.waitFor({ state: 'detached' });
  await quiet();
};
const sides = async () => [await listed('plants', 'database'), await listed('plants', 'sheet')];
// both waits until both sides have these rows.
const both = (want, what) => until(async () => (await sides()).every((side) => JSON.stringify(side) === JSON.stringify(want)), `${what}: both sides do not have the rows that are wanted`);
// answer presses a button of the halt, reads in the question what it does, and confirms.
async function answer(press, says, confirm, said) {
  await button(press).click();
  for (const text of says) await dialog.getByText(text).waitFor();
  await button(confirm, dialog).click();
  await toast(said);
}

let rows = (await sides())[0];
await page.goto(`${world.base}#/links/plants/sync`);
await page.getByRole('heading', { name: 'State' }).waitFor();

await step('rows deleted in the sheet', async () => {
  const wipe = { deleteRows: { sheet: 'Data', start: 3, count: 15 } };
  await edit(wipe);
  await halts('More was deleted or emptied than this link lets through by itself', /15 of 40 rows were deleted or emptied in the sheet/, /Nothing was changed in the database/);
  await looks('deleted');
  await dimly('deleted', 'links/plants/sync');
  equal(Object.keys(await listed('plants', 'database')).length, 40, 'rows of the database while nobody has decided');
  await button('Put back: restore in the sheet').click();
  await looks('put-back');
  await button('Cancel', dialog).click();
  await answer('Put back: restore in the sheet', [/written there again, as the database still has it/], 'Put the rows back', 'The rows are being put back.');
  await goesOn();
  await both(rows, 'put back in the sheet');
  await edit(wipe);
  await halts('More was deleted or emptied than this link lets through by itself');
  await button('Apply: delete or empty in the database too').click();
  await looks('apply');
  await button('Cancel', dialog).click();
  const left = await listed('plants', 'sheet');
  equal(Object.keys(left).length, 25, 'rows that are left');
  await answer('Apply: delete or empty in the database too', [/The database follows the sheet/], 'Delete or empty them', 'The deletions are being carried out.');
  await goesOn();
  await both(rows = left, 'deleted in the database');
});

await step('the tab emptied', async () => {
  await edit({ clear: { sheet: 'Data', a1: 'A2:Z60' } });
  await halts('More was deleted or emptied than this link lets through by itself', /25 of 25 rows were deleted or emptied in the sheet/);
  await looks('emptied');
  equal(await listed('plants', 'database'), rows, 'the database while nobody has decided');
  await answer('Put back: restore in the sheet', [/The database is left as it is/], 'Put the rows back', 'The rows are being put back.');
  await goesOn();
  await both(rows, 'put back in the tab that was emptied');
});

await step('cells emptied in the sheet', async () => {
  const pots = { clear: { sheet: 'Data', a1: 'C2:C40' } };
  await edit(pots);
  await halts('More was deleted or emptied than this link lets through by itself', /25 of 25 rows were deleted or emptied in the sheet/);
  await answer('Put back: restore in the sheet', [/What was deleted or emptied in the sheet is written there again/], 'Put the rows back', 'The rows are being put back.');
  await goesOn();
  await both(rows, 'put back in cells that were emptied');
  await edit(pots);
  await halts('More was deleted or emptied than this link lets through by itself');
  await answer('Apply: delete or empty in the database too', [/or the same cells emptied, there/], 'Delete or empty them', 'The deletions are being carried out.');
  await goesOn();
  rows = Object.fromEntries(Object.entries(rows).map(([id, values]) => [id, { ...values, pots: null }]));
  await both(rows, 'cells emptied in the database');
});

await step('rows deleted in the database', async () => {
  const some = Object.keys(rows).slice(-15), wipe = `DELETE FROM plants WHERE id IN (${some})`;
  await sql(wipe);
  await halts('More was deleted or emptied than this link lets through by itself', /15 of 25 rows were deleted or emptied in the database/, /Nothing was changed in the sheet/);
  await looks('deleted-in-database');
  await answer('Put back: restore in the database', [/written there again, as the sheet still has it/], 'Put the rows back', 'The rows are being put back.');
  await goesOn();
  await both(rows, 'put back in the database');
  await sql(wipe);
  await halts('More was deleted or emptied than this link lets through by itself');
  await answer('Apply: delete or empty in the sheet too', [/The sheet follows the database/], 'Delete or empty them', 'The deletions are being carried out.');
  await goesOn();
  await both(rows = Object.fromEntries(Object.entries(rows).filter(([id]) => !some.includes(id))), 'deleted in the sheet');
});

// What the link was made for is gone, or another. There is nothing to put back row by row: somebody mends it, and lets the link go on.
// Until then it halts again, and changes nothing.
const gone = [
  ['the header of the key gone', 'The key column of the tab is gone', [/header .*id.* is not in row 1/i, /Put the column with the key, and its header, back/],
    () => edit({ setCell: { sheet: 'Data', a1: 'A1', input: '' } }), () => edit({ setCell: { sheet: 'Data', a1: 'A1', input: 'id' } })],
  ['everything in the tab gone, headers too', 'The key column of the tab is gone', [/nothing was changed on either side/i],
    () => edit({ clear: { sheet: 'Data', a1: 'A1:Z60' } }), () => edit({ undo: {} })],
  ['the tab deleted', 'The tab or its spreadsheet is gone', [/The tab .*Data.* is no longer in the spreadsheet; nothing was deleted in the database/i, /Restore the tab/],
    async () => {
      await batch({ addSheet: { properties: { title: 'Another' } } }); // the last tab cannot be deleted
      await edit({ deleteSheet: { sheet: 'Data' } });
    }, () => edit({ undo: {} })],
  ["the table's key another", 'The table is gone, or its key changed', [/The table plants is not what link plants was made for/i, /Bring the table and its key back as they were/],
    () => sql('ALTER TABLE plants MODIFY id INT NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (id, name)'), () => sql('ALTER TABLE plants DROP PRIMARY KEY, MODIFY id INT NOT NULL AUTO_INCREMENT PRIMARY KEY')],
  ['the table gone', 'The table is gone, or its key changed', [/The table plants is not what link plants was made for/i],
    () => sql('RENAME TABLE plants TO elsewhere'), () => sql('RENAME TABLE elsewhere TO plants')],
  ["the spreadsheet's time zone another", 'The time zone of the spreadsheet changed', [/The spreadsheet's time zone changed from .* to Asia\/Tokyo/, /Set the time zone back/],
    async () => {
      await zone('Asia/Tokyo'); // which is seen when something is to be taken from the sheet
      await edit({ setCell: { sheet: 'Data', a1: `C${await place(1)}`, input: '40' } });
    }, async () => {
      equal((await listed('plants', 'database'))[1].pots, rows[1].pots, 'what was taken from a sheet of another time zone');
      rows[1].pots = 40;
      await zone(zoned);
    }],
];
const document = `/v4/spreadsheets/${world.spreadsheet}`;
const zoned = (await google('GET', document)).properties.timeZone;
const batch = (...requests) => google('POST', `${document}:batchUpdate`, { requests });
const zone = (timeZone) => batch({ updateSpreadsheetProperties: { properties: { timeZone }, fields: 'timeZone' } });

for (const [what, title, words, breaks, mends] of gone) {
  await step(what, async () => {
    await breaks();
    await halts(title, ...words);
    equal(await panel.getByRole('button').allTextContents(), ['It is in order again: go on'], 'ways on');
    await looks(what.replaceAll(/[^a-z]+/gi, '-'));
    if (what === gone[0][0]) {
      await answer('It is in order again: go on', [/If it is not in order, it halts again/], 'Go on', 'The link goes on.');
      await halt.waitFor({ state: 'detached' });
      await halts(title);
    }
    await mends();
    await answer('It is in order again: go on', [/goes on where it stopped/], 'Go on', 'The link goes on.');
    await goesOn();
    await both(rows, 'after it was mended');
    await sql('UPDATE plants SET pots = COALESCE(pots, 0) + 1 WHERE id IN (1, 2)');
    for (const id of [1, 2]) rows[id].pots = (rows[id].pots || 0) + 1;
    await both(rows, 'what changed afterwards');
  });
}

await browser.close();
