// The rows of both sides, as a person works with them: node rows.mjs ABOUT, where ABOUT is JSON of base, google, spreadsheet,
// browser and size.
import { open, visit, phone, desk, accessible, fits, touchable, steady, equal, until, caller } from './lib.mjs';

const about = JSON.parse(process.argv[2]);
const size = about.size === 'phone' ? phone : desk;
const onPhone = size === phone;
const call = caller(about.base);
const browser = await open(about.browser);
const row = (id, side = 'database') => `/v1/links/films/sources/${side}/rows/${id}`;
const edits = (...list) => fetch(`${about.google}/emulator/spreadsheets/${about.spreadsheet}/edits`, { method: 'POST', body: JSON.stringify({ edits: list }) })
  .then(async (r) => { if (!r.ok) throw new Error(await r.text()); });

const tour = await visit(browser, about.base, size);
const { page, shoot } = tour;

// look checks how a page is made, and keeps a picture of it.
async function look(what) {
  await accessible(page, what);
  await fits(page, what);
  if (onPhone) await touchable(page, what);
  await shoot(`rows-${what}`);
}

// What stands for a row: a card on a phone, a line on a desk.
const shownRows = () => page.locator(onPhone ? '.row-cards > li' : 'tbody tr[data-id]');
const shownRow = (title) => shownRows().filter({ hasText: title }).first();
const found = (text) => page.locator('.standing').getByText(text, { exact: true }).waitFor();
const dialog = (name) => page.getByRole('dialog', { name });
const toast = (text) => page.locator('.toast').filter({ hasText: text });

// edit opens a row, and field is one of its inputs then.
async function edit(title, column = 'title') {
  if (onPhone) {
    await shownRow(title).getByRole('button').first().click();
    await page.locator('dialog[open]').waitFor();
  } else {
    await shownRow(title).locator(`td[data-column="${column}"]`).click();
    await page.locator('tr.editing').waitFor();
  }
}
const field = (column) => page.locator(`${onPhone ? 'dialog[open]' : 'tr.editing'} [data-column="${column}"]:not(td)`);
const save = () => page.locator(onPhone ? 'dialog[open]' : 'tr.editing').getByRole('button', { name: 'Save' }).click();
const closed = () => page.locator(onPhone ? 'dialog[open]' : 'tr.editing').waitFor({ state: 'detached' });
async function remove(title) {
  if (onPhone) {
    await edit(title);
    await page.locator('dialog[open]').getByRole('button', { name: 'Delete' }).click();
  } else {
    await shownRow(title).getByRole('button', { name: /^Delete/ }).click();
  }
  // The table has a column that the link does not have, and that only a deletion in the sheet keeps.
  if (page.url().includes('/rows/database')) await sure(title);
  await shownRow(title).waitFor({ state: 'detached' });
}
async function sure(title) {
  const ask = dialog(`Delete ${title}?`);
  await ask.getByText('hidden', { exact: true }).waitFor();
  await ask.getByRole('button', { name: 'Delete it' }).click();
}
const cellOf = (title, column, text) => until(async () => {
  const line = shownRow(title);
  const got = onPhone ? await line.innerText() : await line.locator(`td[data-column="${column}"]`).innerText();
  return onPhone ? got.includes(text) : got.trim() === text;
}, `${title}: ${column} is not ${text}`);

const steps = {
  'the list, page by page': async () => {
    await page.goto(`${about.base}#/links`);
    await page.getByRole('link', { name: /Films/ }).click();
    await found('70 rows');
    equal(await shownRows().count(), 50, 'rows of the first page');
    await page.locator('.live.on').waitFor();
    await look('list');
    await page.reload();
    await found('70 rows');
    await page.locator('.live.on').waitFor();
    await steady(page, 'the list, read anew');
    await page.getByRole('button', { name: 'Show more' }).click();
    await until(async () => (await shownRows().count()) === 70, 'the second page');
    equal(await page.getByRole('button', { name: 'Show more' }).count(), 0, 'more to show');
    equal(await page.title(), 'Database · Films · Tandem', 'title');
  },

  'search, filter, sort': async () => {
    await page.getByRole('searchbox').fill('mOOn');
    await found('1 row found');
    await shownRow('The moon and the sea').waitFor();
    await page.getByRole('searchbox').fill('no such film "\\');
    await page.getByText('Nothing found').waitFor();
    await look('nothing-found');
    await page.getByRole('button', { name: 'Show all rows' }).click();
    await found('70 rows');
    equal(await page.getByRole('searchbox').inputValue(), '', 'the search');

    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    const filter = dialog('Filter');
    await filter.getByLabel('Column').selectOption('status');
    await filter.getByLabel('Value').selectOption('ended');
    await look('filter');
    await filter.getByRole('button', { name: 'Add filter' }).click();
    await found('23 rows found');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await filter.getByLabel('Column').selectOption('price');
    await filter.getByLabel('Comparison').selectOption('is more than');
    await filter.getByRole('button', { name: 'Add filter' }).click();
    await filter.getByText('Say which value to look for.').waitFor();
    await filter.getByLabel('Value').fill('60.25');
    await page.keyboard.press('Enter');
    await found('3 rows found');
    await page.getByRole('button', { name: 'price is more than 60.25', exact: true }).waitFor();
    if (onPhone) await page.getByLabel('Order').selectOption('price, down');
    else {
      await page.getByRole('button', { name: 'price', exact: true }).click();
      await page.getByRole('columnheader', { name: /price/ }).and(page.locator('[aria-sort=ascending]')).waitFor();
      await page.getByRole('button', { name: 'price', exact: true }).click();
      await page.getByRole('columnheader', { name: /price/ }).and(page.locator('[aria-sort=descending]')).waitFor();
    }
    await until(async () => /Film 68/.test(await shownRows().first().innerText()), 'the greatest price first');
    await look('filtered');
    // Both sides have the same columns, and the address holds what is looked for.
    await page.getByRole('link', { name: 'Sheet', exact: true }).click();
    await page.getByText(/as of/).waitFor();
    await found('3 rows found');
    const sheet = await page.getByRole('link', { name: /^Open the sheet/ }).getAttribute('href');
    equal(/^http:\/\/127\.0\.0\.1:\d+\/#id=[^&]+&sheet=/.test(sheet), true, `the emulator, to which ${sheet} leads`);
    await page.reload();
    await found('3 rows found');
    await page.getByRole('link', { name: 'Database', exact: true }).click();
    await page.getByRole('button', { name: 'Clear all' }).click();
    await found('70 rows');
    if (onPhone) await page.getByLabel('Order').selectOption('by key');
    else await page.getByRole('button', { name: 'price', exact: true }).click();
    await until(async () => /Film 01/.test(await shownRows().first().innerText()), 'by key again');
  },

  'when the sheet cannot be read': async () => {
    let turned = 0;
    await page.route('**/sources/sheet/rows*', (route) => (turned++ ? route.continue() : route.fulfill({ status: 429, json: { code: 8, message: 'the quota of reads is used up',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '6s' }] } })));
    await page.getByRole('link', { name: 'Sheet', exact: true }).click();
    await page.getByRole('alert').getByText('the quota of reads is used up').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await look('quota');
    await found('70 rows'); // by itself, when the time has come
    equal(await page.getByRole('alert').count(), 0, 'errors that are still shown');
    equal(turned > 1, true, 'the sheet was read again');
    await page.unroute('**/sources/sheet/rows*');
    await page.getByRole('link', { name: 'Database', exact: true }).click();
    await found('70 rows');
  },

  'add a row': async () => {
    await page.getByRole('button', { name: 'Add row' }).click();
    const made = dialog('New row in the database');
    await made.getByRole('button', { name: 'Add row' }).click();
    await made.getByText('a new row needs a value here').waitFor();
    await made.getByLabel('price').fill('123456.7');
    await made.getByLabel('note').fill('two\nlines');
    await made.getByLabel('title').fill('Made by hand');
    await made.getByRole('button', { name: 'Add row' }).click();
    const wrong = made.locator('.field.wrong');
    await wrong.waitFor();
    equal(await wrong.locator('label').innerText(), 'price', 'the field that is refused');
    equal(await made.getByLabel('note').inputValue(), 'two\nlines', 'what was typed');
    await look('add-refused');
    await made.getByLabel('price').fill('12.3');
    await made.getByLabel('status').selectOption('running');
    await made.getByLabel('aired').fill('2026-11-21');
    await made.getByLabel('shown_at').fill('2026-11-21T20:15:30.500');
    equal(await made.getByLabel('seen').inputValue(), '', 'what nobody chose, where the table has a default');
    await made.getByLabel('seen').selectOption('yes');
    await made.getByRole('button', { name: 'Add row' }).click();
    await made.waitFor({ state: 'detached' });
    await shownRow('Made by hand').waitFor();
    const { values } = await call('GET', row(71));
    equal(values, { id: '71', title: 'Made by hand', status: 'running', episodes: null, price: '12.30', aired: '2026-11-21', shown_at: '2026-11-21T20:15:30.500', seen: true, note: 'two\nlines' }, 'the row');
    await until(async () => (await call('GET', `${row(71, 'sheet')}?max_staleness=0s`).catch(() => null)), 'the row is not in the sheet');
    await until(async () => !/pending/.test(await shownRow('Made by hand').innerText()), 'the row stays pending');
  },

  'edit in place': async () => {
    await edit('Film 05', 'price');
    if (!onPhone) equal(await field('price').evaluate((e) => e === document.activeElement), true, 'the cell that was clicked has the focus');
    await field('price').fill('99999.99');
    await field('title').fill('Film 05, again');
    await save();
    await page.getByText(/digits|at most|out of range|fit|larger|between|greater/i).first().waitFor();
    equal(await field('price').inputValue(), '99999.99', 'what was typed');
    equal(await field('price').getAttribute('aria-invalid'), 'true', 'the refused field');
    await look('edit-refused');
    await field('price').fill('7');
    await field('seen').setChecked(false);
    await field('aired').fill('');
    await save();
    await closed();
    await cellOf('Film 05, again', 'price', '7.00');
    const { values } = await call('GET', row(5));
    equal([values.title, values.price, values.aired, values.seen, values.shown_at, values.note], ['Film 05, again', '7.00', null, false, '2026-01-02T03:04:05.678', 'note 5'], 'the row');
  },

  'leave without saving': async () => {
    await edit('Film 07');
    await field('title').fill('Half typed');
    await page.keyboard.press('Escape');
    await page.getByText('What you typed is not saved.').waitFor();
    await page.getByRole('button', { name: 'Keep editing' }).click();
    equal(await field('title').inputValue(), 'Half typed', 'what was typed');
    await field('title').press('Escape');
    await page.getByRole('button', { name: 'Discard it' }).click();
    await closed();
    equal((await call('GET', row(7))).values.title, 'Film 07', 'the row');
  },

  'what is typed stays when the list is another': async () => {
    if (onPhone) return;
    await edit('Film 07');
    await field('title').fill('Typed on');
    await page.getByRole('searchbox').fill('moon');
    await found('1 row found');
    equal(await field('title').inputValue(), 'Typed on', 'what was typed');
    await page.getByRole('searchbox').fill('nothing like it');
    await found('0 rows found');
    equal(await field('title').inputValue(), 'Typed on', 'what was typed');
    await page.getByRole('searchbox').fill('');
    await found('71 rows');
    await save();
    await closed();
    equal((await call('GET', row(7))).values.title, 'Typed on', 'the row');
  },

  'nothing is lost when the server is away': async () => {
    await edit('Film 08');
    await field('title').fill('Typed while away');
    await page.route('**/sources/database/rows/8', (route) => route.abort());
    await save();
    await page.getByText(/cannot be reached/).first().waitFor();
    equal(await field('title').inputValue(), 'Typed while away', 'what was typed');
    await page.unroute('**/sources/database/rows/8');
    await save();
    await closed();
    equal((await call('GET', row(8))).values.title, 'Typed while away', 'the row');
  },

  'somebody was faster': async () => {
    for (const [mine, choice, want] of [['Mine', 'Take theirs', 'Theirs 1'], ['Mine again', 'Write mine again', 'Mine again']]) {
      const before = choice === 'Take theirs' ? 'Film 10' : 'Theirs 1';
      await edit(before);
      await field('title').fill(mine);
      await call('PATCH', row(10), { values: { title: choice === 'Take theirs' ? 'Theirs 1' : 'Theirs 2', episodes: 3 } });
      await save();
      const both = dialog('This row changed meanwhile');
      await both.waitFor();
      await both.getByText(mine, { exact: true }).waitFor();
      await both.getByText(choice === 'Take theirs' ? 'Theirs 1' : 'Theirs 2', { exact: true }).waitFor();
      if (choice === 'Take theirs') await look('both-versions');
      await both.getByRole('button', { name: choice }).click();
      await both.waitFor({ state: 'detached' });
      await closed();
      await shownRow(want).waitFor();
      const { values } = await call('GET', row(10));
      equal([values.title, values.episodes], [want, 3], `after "${choice}"`);
    }
  },

  'delete and undo': async () => {
    await remove('Film 11');
    equal(await call('GET', row(11)).catch((e) => /404/.test(String(e))), true, 'the row is gone');
    await toast('Deleted Film 11').getByRole('button', { name: 'Undo' }).click();
    await shownRow('Film 11').waitFor();
    equal((await call('GET', row(11))).values.note, 'note 11', 'the row is back');
    // A row that changed since it was seen is not deleted unasked.
    const title = 'Film 13';
    await shownRow(title).waitFor();
    await page.route('**/changes:watch*', (route) => route.abort());
    const next = page.waitForRequest((r) => r.method() === 'DELETE');
    if (onPhone) await edit(title);
    await call('PATCH', row(13), { values: { note: 'changed at the last moment' } });
    if (onPhone) await page.locator('dialog[open]').getByRole('button', { name: 'Delete' }).click();
    else await shownRow(title).getByRole('button', { name: /^Delete/ }).click();
    await sure(title);
    await next;
    const asked = dialog('This row changed meanwhile');
    await asked.getByText('changed at the last moment').waitFor();
    await asked.getByRole('button', { name: 'Keep the row' }).click();
    await asked.waitFor({ state: 'detached' });
    await page.unroute('**/changes:watch*');
    equal((await call('GET', row(13))).values.note, 'changed at the last moment', 'the row that was kept');
  },

  'live': async () => {
    await page.reload();
    await page.locator('.live.on').waitFor();
    await shownRow('Film 15').waitFor();
    await edits({ setCell: { sheet: 'Data', a1: `B${await position('15')}`, input: 'Typed in the sheet' } });
    await shownRow('Typed in the sheet').waitFor();
    await shownRow('Typed in the sheet').scrollIntoViewIfNeeded();
    await shownRow('Typed in the sheet').getByText('changed').waitFor();
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
    await found('72 rows');
  },

  'hidden, the page rests, and goes on where it was': async () => {
    await page.locator('.live.on').waitFor();
    const hide = (hidden) => page.evaluate((is) => {
      Object.defineProperty(document, 'hidden', { value: is, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await hide(true);
    await page.waitForTimeout(300); // for what is under way
    const asked = [];
    const note = (r) => asked.push(r.url());
    page.on('request', note);
    await call('PATCH', row(17), { values: { title: 'While nobody looked' } });
    await page.waitForTimeout(4000);
    page.off('request', note);
    equal(asked, [], 'requests of a hidden page');
    equal(await shownRow('While nobody looked').count(), 0, 'rows that changed meanwhile');
    await hide(false);
    await shownRow('While nobody looked').getByText('changed').waitFor();
    await page.locator('.live.on').waitFor();
  },

  'the sheet, with what is wrong in it': async () => {
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
      return page.locator('.standing').getByText('72 rows', { exact: true }).isVisible();
    }, 'the row that is gone from the sheet is still counted');

    await edit('Film 14');
    await field('title').fill('Changed on the sheet side');
    await save();
    await closed();
    await shownRow('Changed on the sheet side').waitFor();
    await until(async () => (await call('GET', row(14))).values.title === 'Changed on the sheet side', 'the edit did not reach the database');

    await remove('Film 09');
    await until(async () => call('GET', row(9)).then(() => false, () => true), 'the deletion did not reach the database');
    await toast('Deleted Film 09').getByRole('button', { name: 'Undo' }).click();
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
  },

  'by keyboard': async () => {
    if (onPhone) return;
    await page.getByRole('link', { name: 'Database', exact: true }).click();
    await found('73 rows');
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
  },
};

// position is the number of a row in the sheet.
async function position(id) {
  return (await call('GET', `${row(id, 'sheet')}?max_staleness=0s`)).position;
}

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    tour.check();
  } catch (error) {
    await shoot('rows-failed').catch(() => {});
    console.error(`${size.name}: ${name}: ${error.stack}`);
    process.exit(1);
  }
  console.log(`${size.name}: ${name}`);
}
await tour.context.close();

// The same in dark.
const night = await visit(browser, about.base, size, { scheme: 'dark' });
await night.page.goto(`${about.base}#/links/films/rows/sheet`);
await night.page.getByText(/as of/).waitFor();
await accessible(night.page, 'dark');
await night.shoot('rows-sheet');
await night.page.locator(onPhone ? '.row-card' : 'td[data-column=title]').nth(3).click();
await night.page.waitForTimeout(200);
await accessible(night.page, 'dark, editing');
await night.shoot('rows-edit');
night.check();
await browser.close();
