// The whole way of a link, in a browser: wizard, plan, initial sync, edits on both sides and by a person in the sheet, conflicts and
// row errors: node sync.mjs WORLD, a JSON object.
import { scene, until, equal } from './lib.mjs';

const { world, onPhone, browser, page, api, google, button, toast, edit, place, looks, dimly, step, ...at } = await scene('sync');
const tab = (name) => page.getByRole('navigation', { name: /Parts of/ }).getByRole('link', { name });
const row = (source, id) => api('GET', `/v1/links/shows/sources/${source}/rows/${id}?maxStaleness=0s`);
const link = () => api('GET', '/v1/links/shows');
const quiet = () => at.quiet('shows');

await step('wizard', async () => {
  await page.goto(world.base);
  await page.getByRole('link', { name: 'Make the first one' }).click();
  await page.getByRole('radio', { name: /^shows/ }).check();
  await button('Next: Sheet').click();
  await page.getByLabel('Address of the Google Sheet').fill(`https://docs.google.com/spreadsheets/d/${world.spreadsheet}/edit?gid=0#gid=0`);
  await page.getByRole('radio', { name: /^Data/ }).check();
  await button('Next: Columns').click();
  equal(await page.getByLabel('Header of title').inputValue(), 'Title', 'the header that was matched');
  await button('Next: Choices').click();
  await page.getByLabel('Name', { exact: true }).fill('My shows');
  await page.getByRole('radio', { name: /^A person decides/ }).check();
  await button('Next: Try').click();
  await page.getByText('3 rows will be added').waitFor();
  equal((await api('GET', '/v1/links')).links, [], 'links that were only tried');
  await button('Make the link').click();
  await page.getByRole('heading', { name: 'My shows' }).waitFor();
  equal((await link()).state, 'NEW', 'the state of a link that was just made');
});

await step('plan and initial sync', async () => {
  await button('Plan the initial sync').click();
  await page.getByText('This is the plan. Nothing has been changed yet.').waitFor();
  await page.reload();
  await page.getByText('This is the plan. Nothing has been changed yet.').waitFor(); // it is still there
  await button('Plan again').click();
  await page.getByText(/4 rows? will be added/).waitFor();
  await page.getByText('1 row cannot be carried over').click();
  await looks('plan');
  await dimly('plan', 'links/shows/sync');
  await button('Apply this plan').click();
  await page.getByText(/4 rows? were added/).waitFor();
  await until(async () => (await link()).state === 'ACTIVE', 'the link is not active');
  await page.getByText('Apart from what is listed below, both sides are in step.').waitFor();
  await until(async () => (await row('database', 35)).values.title === 'Show 35', 'a row that only the sheet had' + ' is not what it should be');
  await looks('done');
  await dimly('overview', 'links/shows/sync');
});

await step('row errors', async () => {
  await tab('Errors').click();
  const card = page.getByRole('listitem').filter({ hasText: 'Row 40' });
  await card.getByText('score').first().waitFor();
  await looks('errors');
  await dimly('errors', 'links/shows/sync/errors');
  await edit({ setCell: { sheet: 'Data', a1: `D${await place(40)}`, input: '3.25' } });
  await page.getByText('No row errors').waitFor();
  await quiet();
});

await step('settle what differed at first', async () => {
  await tab('Conflicts').click();
  await page.getByRole('heading', { name: /^Row 38/ }).waitFor();
  await button('All from sheet').click();
  await page.getByRole('dialog').waitFor();
  await looks('settle-all');
  await button('Take the sheet for all').click();
  await toast(/conflicts? decided for the sheet/);
  await page.getByText('No conflicts').waitFor();
  await until(async () => (await row('database', 38)).values.title === 'Show 38 (sheet)', 'what the sheet had' + ' is not what it should be');
});

await step('a person edits the sheet, and it arrives live', async () => {
  await tab('History').click();
  await page.getByRole('button', { name: 'Only changes of row 38' }).first().waitFor();
  const person = await browser.newPage();
  await person.goto(`${world.google}/#${new URLSearchParams({ id: world.spreadsheet, sheet: '0' })}`);
  await person.getByText('live', { exact: true }).waitFor();
  const cells = person.locator('#grid tbody tr').nth(await place(7) - 1).locator('td');
  await cells.nth(1).click();
  await person.keyboard.type('Typed by a person');
  await person.keyboard.press('Enter');
  await page.getByRole('listitem').filter({ hasText: 'Typed by a person' }).waitFor();
  await person.close();
  await until(async () => (await row('database', 7)).values.title === 'Typed by a person', 'what was typed' + ' is not what it should be');
});

await step('edit in each tab', async () => {
  for (const [name, source, other, id, text] of [['Database', 'database', 'sheet', 3, 'Edited in the database'], ['Sheet', 'sheet', 'database', 5, 'Edited in the sheet']]) {
    await tab(name).click();
    if (!onPhone) {
      await page.getByRole('gridcell', { name: `Show ${id}`, exact: true }).dblclick();
      await page.getByRole('textbox', { name: 'title' }).fill(text);
    } else {
      await page.getByRole('listitem').filter({ has: page.getByText(`Show ${id}`, { exact: true }) }).getByRole('button').first().click();
      await page.getByRole('dialog').getByLabel('title').fill(text);
    }
    await button('Save').click();
    await until(async () => (await row(source, id)).values.title === text, `the edit in the ${name} tab is not there`);
    await until(async () => (await row(other, id)).values.title === text, `the edit in the ${name} tab did not arrive on the other side`);
  }
});

// clash changes the same cells on both sides while the link is paused, so that neither comes first.
async function clash(id, database, a1, input) {
  const at = await place(id);
  await api('PATCH', `/v1/links/shows/sources/database/rows/${id}`, { values: database });
  await edit(...a1.map((column, i) => ({ setCell: { sheet: 'Data', a1: `${column}${at}`, input: input[i] } })));
}

await step('pause, conflicts, resume', async () => {
  // A row is called by a text that is not in conflict, and that may have no place to break a line at.
  await api('PATCH', '/v1/links/shows/sources/database/rows/12', { values: { title: 'W'.repeat(100) } });
  await quiet();
  await tab('Sync').click();
  await button('Pause').click();
  await page.getByText('The link is paused').waitFor();
  await clash(10, { title: 'From the database', episodes: 24 }, ['B', 'C'], ['From the sheet', '26']);
  await clash(11, { title: 'Eleven, database' }, ['B'], ['Eleven, sheet']);
  await clash(12, { score: '9.00' }, ['D'], ['8.25']);
  await button('Resume').click();
  await tab('Conflicts').click();
  await page.getByRole('heading', { name: /^Row 10/ }).waitFor();
  await page.getByRole('heading', { name: /^Row 12/ }).waitFor();
  const ten = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: /^Row 10/ }) });
  await ten.getByText('Show 10', { exact: true }).first().waitFor();
  await looks('conflicts');
  await dimly('conflicts', 'links/shows/sync/conflicts');
  // With numbers beside them the tabs are wider than a phone; one that the keyboard reaches is seen as a whole.
  for (const [before, after] of [['Sync', 'Settings'], ['Errors', 'History']]) {
    await tab(before).focus();
    await page.keyboard.press('Tab');
    await until(() => page.evaluate((name) => {
      const e = document.activeElement, place = e.getBoundingClientRect(), bar = e.parentElement.getBoundingClientRect();
      return e.textContent.startsWith(name) && place.left >= bar.left - 1 && place.right <= bar.right + 1;
    }, after), `the tab ${after} is not seen as a whole when it has the focus`, 5000);
  }

  await button('Take sheet for row 11').click();
  await toast('Row 11: both sides get the value of the sheet.');
  await page.getByRole('heading', { name: /^Row 11/ }).waitFor({ state: 'detached' });
  await until(async () => (await row('database', 11)).values.title === 'Eleven, sheet', 'the row that was settled for the sheet' + ' is not what it should be');

  await button('Column by column…', ten).click();
  await ten.getByRole('group', { name: 'What title becomes' }).getByRole('radio', { name: 'Another value' }).check();
  await ten.getByLabel('Value for title').fill('Something else');
  await ten.getByRole('group', { name: 'What episodes becomes' }).getByRole('radio', { name: 'Database' }).check();
  await looks('by-column');
  await button('Settle as chosen', ten).click();
  await page.getByRole('heading', { name: /^Row 10/ }).waitFor({ state: 'detached' });
  for (const source of ['database', 'sheet']) {
    await until(async () => {
      const { values } = await row(source, 10);
      return values.title === 'Something else' && values.episodes === 24;
    }, `the ${source} did not get what was chosen`);
  }

  // A decision about what is not so any more is refused, and nothing is lost.
  await page.route('**/conflicts/12:resolve', async (route) => {
    await edit({ setCell: { sheet: 'Data', a1: `D${await place(12)}`, input: '7.75' } });
    await until(async () => (await api('GET', '/v1/links/shows/conflicts/12')).columns[0].sheet === '7.75', 'the conflict does not follow the sheet');
    await route.continue();
  }, { times: 1 });
  await button('Take database for row 12').click();
  await page.getByText('The row changed while you looked at it').waitFor();
  await page.getByText('7.75', { exact: true }).first().waitFor();
  await button('Take database for row 12').click();
  await page.getByText('No conflicts').waitFor();
  await until(async () => (await row('sheet', 12)).values.score === '9.00', 'the row that was settled for the database' + ' is not what it should be');
});

await step('a row deleted here and changed there', async () => {
  await api('POST', '/v1/links/shows:pause');
  await api('DELETE', '/v1/links/shows/sources/database/rows/13');
  await edit({ setCell: { sheet: 'Data', a1: `B${await place(13)}`, input: 'Not gone' } });
  await api('POST', '/v1/links/shows:resume');
  await page.getByRole('heading', { name: /^Row 13/ }).waitFor();
  await page.getByText('deleted in the database').first().waitFor();
  await looks('deleted');
  await button('Keep the row').click();
  await page.getByText('No conflicts').waitFor();
  await until(async () => (await row('database', 13)).values.title === 'Not gone', 'the row that was kept' + ' is not what it should be');
});

await step('a run is cancelled', async () => {
  await quiet();
  await tab('Sync').click();
  await google('PUT', '/emulator/settings', { latencyMs: 20_000 }); // it must not end before it is cancelled
  await button('Plan the initial sync').click();
  await page.getByRole('progressbar').waitFor();
  await looks('progress');
  await button('Cancel').click();
  await page.getByText('The run was cancelled.').waitFor();
  await google('PUT', '/emulator/settings', { latencyMs: 0 });
});

await step('nothing is lost when the server is away', async () => {
  await tab('History').click();
  await page.getByRole('listitem').first().waitFor();
  await page.route('**/v1/**', (route) => route.abort());
  if (onPhone) await page.getByText('More filters').click();
  await page.getByLabel('Who').fill('nobody');
  await page.getByText('The server cannot be reached').first().waitFor();
  await looks('away');
  await page.unroute('**/v1/**');
  equal(await page.getByLabel('Who').inputValue(), 'nobody', 'what was typed');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.getByText('No change fits').waitFor();
});

await browser.close();
