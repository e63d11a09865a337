// Rows that change while somebody looks at them, and those of the sheet with what can be wrong there: node rows-live.mjs WORLD, a JSON
// object.
import { scene, visit, equal, until, accessible } from './lib.mjs';
import { people } from './rows-people.mjs';

const at = await scene('rows');
const { world, onPhone, browser, page, api: call, edit: edits, looks, step } = at;
const { shownRow, found, dialog, toast, edit, field, save, closed, remove } = people(at);
const row = (id, side = 'database') => `/v1/links/films/sources/${side}/rows/${id}`;
const look = (what) => looks(what, { full: false });
// position is the number of a row in the sheet.
const position = async (id) => (await call('GET', `${row(id, 'sheet')}?max_staleness=0s`)).position;

await step('live', async () => {
  await page.goto(`${world.base}#/links/films/rows/database`);
  await page.locator('.live.on').waitFor();
  await shownRow('Film 15').waitFor();
  await edits({ setCell: { sheet: 'Data', a1: `B${await position('15')}`, input: 'Typed in the sheet' } });
  await shownRow('Typed in the sheet').getByText('changed').waitFor(); // it says so for some seconds
  await shownRow('Typed in the sheet').scrollIntoViewIfNeeded();
  await look('live');
  // A row that is being edited stays as it is, and says that it moved on.
  await edit('Film 16');
  await field('note').fill('mine');
  await edits({ setCell: { sheet: 'Data', a1: `B${await position('16')}`, input: 'Moved on' } });
  await page.getByText('Somebody changed this row meanwhile.').waitFor();
  equal(await field('note').inputValue(), 'mine', 'what was typed');
  await save();
  await dialog('This row changed meanwhile').getByRole('button', { name: 'Write mine again' }).click();
  await closed();
  const { values } = await call('GET', row(16));
  equal([values.title, values.note], ['Moved on', 'mine'], 'both changes stand');
  await call('POST', '/v1/links/films/sources/database/rows', { values: { title: 'From elsewhere' } });
  await page.getByRole('button', { name: 'Show 1 new row' }).click();
  await found('71 rows');
});

await step('hidden, the page rests, and goes on where it was', async () => {
  // Its clock is put on, so that a minute takes none.
  const { page, check, context } = await visit(browser, world.base, at.size);
  await page.clock.install();
  await page.goto(`${world.base}#/links/films/rows/database`);
  await page.locator('.live.on').waitFor();
  const hide = (hidden) => page.evaluate((is) => {
    Object.defineProperty(document, 'hidden', { value: is, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  const seen = people({ page, onPhone }), asked = [];
  await seen.shownRow('Film 17').waitFor();
  await hide(true);
  page.on('request', (r) => asked.push(r.url()));
  await call('PATCH', row(17), { values: { title: 'While nobody looked' } });
  await page.clock.runFor(60_000);
  equal(asked, [], 'requests of a hidden page');
  equal(await seen.shownRow('While nobody looked').count(), 0, 'rows that changed meanwhile');
  await hide(false);
  await seen.shownRow('While nobody looked').getByText('changed').waitFor();
  await page.locator('.live.on').waitFor();
  check();
  await context.close();
});

await step('the sheet, with what is wrong in it', async () => {
  await call('POST', '/v1/links/films:pause', {});
  await call('PATCH', row(3), { values: { note: 'in the database' } });
  await edits({ setCell: { sheet: 'Data', a1: `I${await position('3')}`, input: 'in the sheet' } });
  await call('POST', '/v1/links/films:resume', {});
  await edits({ setCell: { sheet: 'Data', a1: `E${await position('6')}`, input: 'many' } });
  await until(async () => { const { status } = await call('GET', '/v1/links/films'); return Number(status.conflicts) === 1 && Number(status.rowErrors) === 1; }, 'a conflict and an error');
  await page.getByRole('link', { name: 'Sheet', exact: true }).click();
  await shownRow('Film 03').getByText('conflict').waitFor();
  await shownRow('Film 06').getByText('error', { exact: true }).waitFor();
  await look('sheet-states');
  equal(await page.getByRole('link', { name: 'Settle it' }).count(), 1, 'the way to the conflict');

  // Rows without a key that can be used come last, with their place and the reason.
  await edits({ setCell: { sheet: 'Data', a1: 'A200', input: '20' } }, { setCell: { sheet: 'Data', a1: 'B200', input: 'The same key again' } });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByRole('searchbox').fill('The same key again');
  await found('1 row found');
  await page.getByText(/Row 200 of the sheet/).first().waitFor();
  await look('sheet-unusable');
  equal(await page.getByRole('button', { name: /^(Edit|Delete)/ }).count(), 0, 'buttons of a row without a name');
  await edits({ deleteRows: { sheet: 'Data', start: 200, count: 1 } });
  await page.getByRole('searchbox').fill('');
  await until(async () => {
    await page.getByRole('button', { name: /^Refresh/ }).click();
    return page.locator('.standing').getByText('71 rows', { exact: true }).isVisible();
  }, 'the row that is gone from the sheet is still counted');

  await edit('Film 14');
  await field('title').fill('Changed on the sheet side');
  await save();
  await closed();
  await shownRow('Changed on the sheet side').waitFor();
  await until(async () => (await call('GET', row(14))).values.title === 'Changed on the sheet side', 'the edit did not reach the database');

  await remove('Film 09');
  const undo = toast('Deleted Film 09').getByRole('button', { name: 'Undo' });
  await undo.focus(); // it stays as long as somebody is at it
  await until(async () => call('GET', row(9)).then(() => false, () => true), 'the deletion did not reach the database');
  await undo.click();
  await shownRow('Film 09').waitFor();

  await page.getByRole('button', { name: 'Add row' }).click();
  const made = dialog('New row in the sheet');
  await made.getByLabel('title').fill('From the sheet tab');
  await made.getByRole('button', { name: 'Add row' }).click();
  await made.getByText(/needs a value in every key column/).waitFor();
  await made.getByLabel('id').fill('900');
  await made.getByRole('button', { name: 'Add row' }).click();
  await made.waitFor({ state: 'detached' });
  await until(async () => call('GET', row(900)).then((r) => r.values.title === 'From the sheet tab', () => false), 'the row did not reach the database');
});

await step('by keyboard', async () => {
  if (onPhone) return;
  await page.getByRole('link', { name: 'Database', exact: true }).click();
  await found('72 rows');
  await page.locator('tbody td').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  equal(await page.evaluate(() => [document.activeElement.dataset.column, document.activeElement.parentElement.rowIndex]), ['title', 2], 'the cell in focus');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Typed by keyboard');
  await page.keyboard.press('Enter');
  await shownRow('Typed by keyboard').waitFor();
  await until(() => page.evaluate(() => document.activeElement.dataset.column === 'title' && document.activeElement.innerText === 'Typed by keyboard'), 'the focus did not come back to the cell');
  await page.keyboard.press('F2');
  await page.keyboard.press('Escape');
  await until(() => page.evaluate(() => document.activeElement.matches('td[data-column=title]')), 'the focus did not come back to the cell');
  equal(await page.locator('tbody td[tabindex="0"]').count(), 1, 'cells that Tab stops at');
});

await step('in the dark', async () => {
  const night = await visit(browser, world.base, at.size, { scheme: 'dark' });
  await night.page.goto(`${world.base}#/links/films/rows/sheet`);
  await night.page.getByText(/as of/).waitFor();
  await looks('sheet', { at: night, full: false });
  await night.page.locator(onPhone ? '.row-card' : 'td[data-column=title]').nth(3).click();
  await night.page.locator(onPhone ? 'dialog[open] [data-column]' : 'tr.editing [data-column]').first().waitFor();
  await accessible(night.page, 'dark, editing');
  await night.shoot('rows-edit');
  night.check();
});

await browser.close();
