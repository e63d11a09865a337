// The rows of a table, as a person works with them: node rows.mjs WORLD, a JSON object.
import { scene, steady, equal, until } from './lib.mjs';
import { people } from './rows-people.mjs';

const at = await scene('rows');
const { world, onPhone, browser, page, api: call, google, looks, step } = at;
const { shownRows, shownRow, found, dialog, toast, edit, field, save, closed, remove, cellOf } = people(at);
const row = (id, side = 'database') => `/v1/links/films/sources/${side}/rows/${id}`;
const look = (what) => looks(what, { full: false });

await step('the list, page by page', async () => {
  await page.goto(`${world.base}#/links`);
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
});

await step('search, filter, sort', async () => {
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
});

await step('when the sheet cannot be read', async () => {
  await page.getByRole('link', { name: 'Sheet', exact: true }).click();
  await found('70 rows');
  const alert = page.getByRole('alert');
  // Google refuses: it says what helps, and what is shown stays.
  await google('POST', '/emulator/faults', { method: '*', kind: 'before', status: 403, count: 1000 });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await alert.getByText(/share/i).waitFor();
  equal(await shownRows().count(), 50, 'rows that are still shown');
  await look('not-shared');
  await google('DELETE', '/emulator/faults');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await alert.waitFor({ state: 'detached' });

  // The network is gone, and comes back: so does the page, by itself.
  let turned = 0;
  await page.route('**/sources/sheet/rows*', (route) => (turned++ ? route.continue() : route.abort()));
  await page.getByRole('button', { name: 'Refresh' }).click();
  await alert.getByText('The server cannot be reached.').waitFor();
  await look('sheet-away');
  await alert.waitFor({ state: 'detached' });
  equal(turned > 1, true, 'the sheet was read again');
  await page.unroute('**/sources/sheet/rows*');
  await page.getByRole('link', { name: 'Database', exact: true }).click();
  await found('70 rows');
});

await step('add a row', async () => {
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
});

await step('edit in place', async () => {
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
});

await step('leave without saving', async () => {
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
});

await step('what is typed stays when the list is another', async () => {
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
});

await step('nothing is lost when the server is away', async () => {
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
});

await step('somebody was faster', async () => {
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
});

await step('delete and undo', async () => {
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
  await next;
  const asked = dialog('This row changed meanwhile');
  await asked.getByText('changed at the last moment').waitFor();
  await asked.getByRole('button', { name: 'Keep the row' }).click();
  await asked.waitFor({ state: 'detached' });
  await page.unroute('**/changes:watch*');
  equal((await call('GET', row(13))).values.note, 'changed at the last moment', 'the row that was kept');
});

await step('a long text', async () => {
  const text = `begins ${'long'.repeat(1000)} ends`, high = async (e) => (await e.boundingBox()).height;
  await call('PATCH', row(14), { values: { note: text } });
  await shownRow('Film 14').filter({ hasText: 'begins' }).waitFor();
  const tall = await high(shownRow('Film 14'));
  if (tall > 300) throw new Error(`a row with a long text is ${tall} pixels high`);
  await look('long-text');
  await edit('Film 14', 'note');
  equal(await field('note').inputValue(), text, 'the whole text, to edit');
  await page.keyboard.press('Escape');
  await closed();
  await page.goto(`${world.base}#/links/films/sync/history`);
  const change = page.getByRole('listitem').filter({ hasText: 'begins' });
  await change.waitFor();
  if (await change.getByText('ends').count()) throw new Error('the list of changes shows a long text as a whole');
  await look('long-text-history');
  await change.getByRole('button', { name: 'Show all of it' }).click();
  await change.getByText(text).waitFor();
});

await browser.close();
