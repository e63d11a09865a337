// Making links in the wizard, in a browser, with what can be wrong on the way: node links.mjs WORLD, a JSON object.
import { scene, equal } from './lib.mjs';

const { world, browser, first, page, api, google, button, toast, looks, dimly, step } = await scene('links');
const account = 'robot@tandem-test.iam.gserviceaccount.com'; // of the key file that the server was started with
const fit = (column) => page.locator('.link-columns > li').filter({ has: page.getByLabel(`Header of ${column}`, { exact: true }) }).locator('.link-fit');
const says = (column, text) => fit(column).filter({ hasText: text }).waitFor();
const written = async () => (await google('GET', '/emulator/stats')).writes;
const link = () => api('GET', '/v1/links/shows');

await step('tables', async () => {
  await page.goto(`${world.base}#/links/new`);
  equal(await page.getByRole('radio', { name: /^notes/ }).isDisabled(), true, 'a table without a key can be picked');
  await page.getByText(/primary key/i).first().waitFor();
  equal(await button('Next: Sheet').isDisabled(), true, 'going on without a table is possible');
  await page.getByRole('radio', { name: /^shows/ }).check();
  await page.getByRole('heading', { name: 'Columns of shows' }).waitFor();
  await page.getByText('decimal(4,2)').waitFor();
  await looks('tables');
  await dimly('tables', 'links/new');
});

await step('a sheet that is not shared', async () => {
  await button('Next: Sheet').click();
  const address = page.getByLabel('Address of the Google Sheet');
  await address.fill('https://example.com/nothing');
  await page.getByText('There is no id of a spreadsheet in this.').waitFor();
  await google('POST', '/emulator/faults', { method: 'spreadsheets.get', kind: 'before', status: 403, count: 1 });
  await address.fill(world.spreadsheet);
  await page.getByText('This sheet is not shared with Tandem').waitFor();
  await looks('not-shared');
  await first.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await button('Copy the address').click();
  await toast('Copied');
  equal(await page.evaluate(() => navigator.clipboard.readText()), account, 'what was copied');
  await button('Try again').click();
  await page.getByText('End to end').waitFor();
  for (const text of [`https://docs.google.com/spreadsheets/u/1/d/${world.spreadsheet}/edit?usp=sharing`, `https://docs.google.com/spreadsheets/d/${world.spreadsheet}`, ` ${world.spreadsheet} `]) {
    await address.fill(text);
    await page.getByRole('radio', { name: /^Data/ }).waitFor();
  }
  await page.getByRole('radio', { name: /^A new tab/ }).check();
  equal(await page.getByLabel('Name of the new tab').inputValue(), 'shows', 'the name that is offered');
  await page.getByRole('radio', { name: /^Data/ }).check();
  await looks('sheet');
});

await step('columns', async () => {
  await button('Next: Columns').click();
  await says('id', '36 cells fit');
  await page.getByText('All 36 rows of the tab were looked at. Nothing is written.').waitFor();
  await says('score', /^1 of 36 does not fit: row 37: .12345\.5. has more than 2 digits before the point$/);
  equal(await page.getByLabel('Header of episodes').inputValue(), 'Episodes', 'the header that was matched');
  equal(await page.getByLabel('Header of updated_at').inputValue(), '', 'the header of a column that the sheet lacks');
  await page.getByText('Left alone in the sheet: My notes.').waitFor();
  await page.getByLabel('Header of id').selectOption('');
  await page.getByText('This column is the key').waitFor();
  equal(await button('Next: Choices').isDisabled(), true, 'going on without the key is possible');
  await page.getByLabel('Header of id').selectOption('Title');
  await page.getByText('paired with id already').waitFor();
  await looks('columns-wrong');
  await page.getByLabel('Header of id').selectOption('Id');
  await page.getByLabel('Header of aired').selectOption('My notes');
  await page.getByLabel('Header of episodes').selectOption('');
  await says('aired', /^All 36 do not fit: row 2: .mine. is not a date like/);
  await fit('aired').locator('summary').click();
  await fit('aired').getByText('row 6: “mine” is not a date').waitFor();
  await fit('aired').getByText('and 31 more').waitFor();
  await looks('columns-unfit');
  // An answer that hangs, about a pairing that is no more, is not waited for.
  const asked = page.waitForRequest((r) => r.url().endsWith('/v1/links:preview') && r.postData().includes('"Status"') && !r.postData().includes('"My notes"'));
  await google('POST', '/emulator/faults', { method: 'spreadsheets.get', kind: 'hang', count: 1 });
  await page.getByLabel('Header of aired').selectOption('');
  await asked;
  await page.getByLabel('Header of aired').selectOption('Aired');
  await page.getByLabel('Header of episodes').selectOption('Episodes');
  await says('aired', '36 cells fit');
  await says('episodes', '36 cells fit');
  await page.getByLabel('Owner of seen').selectOption('DATABASE');
  await says('seen', 'The database fills the cells');
  await page.getByLabel('Conflict policy of score').selectOption('SHEET_WINS');
  await looks('columns');
});

await step('choices, and back', async () => {
  await button('Next: Choices').click();
  await page.getByLabel('Id', { exact: true }).fill('Not an id');
  await page.getByText('Small letters, digits and hyphens').waitFor();
  equal(await button('Next: Try').isDisabled(), true, 'going on with a wrong id is possible');
  await page.getByLabel('Id', { exact: true }).fill('shows');
  await page.getByLabel('Name', { exact: true }).fill('My shows');
  await page.getByLabel('Column with the time').selectOption('updated_at');
  await looks('choices');
  await button('Back').click();
  equal(await page.getByLabel('Owner of seen').inputValue(), 'DATABASE', 'what was chosen before going back');
  await button('Back').click();
  equal(await page.getByLabel('Address of the Google Sheet').inputValue(), ` ${world.spreadsheet} `, 'the address after going back');
  equal(await page.getByRole('radio', { name: /^Data/ }).isChecked(), true, 'the tab after going back');
  await page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: /Choices/ }).click();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'My shows', 'the name after going back');
  await page.getByLabel('Rows', { exact: true }).fill('-5');
  await page.getByText('Write a whole number, 0 or more.').waitFor();
  equal(await button('Next: Try').isDisabled(), true, 'going on with a wrong number is possible');
  await page.getByLabel('Rows', { exact: true }).fill('10');
  await page.reload();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'My shows', 'the name after a reload');
  await page.goBack();
  await page.getByRole('heading', { name: 'Which Google Sheet?' }).waitFor();
  equal(await page.getByRole('radio', { name: /^Data/ }).isChecked(), true, 'the tab after the way back of the browser');
  await page.goForward();
  await page.getByRole('heading', { name: 'How shall it work?' }).waitFor();
});

await step('a dry run before anything is made', async () => {
  const before = await written();
  await button('Next: Try').click();
  await page.getByText('Nothing is written yet. All 36 rows of the tab were looked at. The table shows has 37 rows.').waitFor();
  await page.getByText('3 rows will be added').waitFor();
  await page.getByText('4 rows will be added').waitFor();
  await page.getByText('1 row cannot be carried over').first().waitFor();
  await page.getByText('Cells that do not fit: 1 of 36 in Score.').waitFor();
  await page.getByText('adding triggers to the table shows').waitFor();
  await page.getByText('and nothing in the sheet changes').waitFor();
  await looks('try');
  await page.locator('.sync-plan summary').first().click();
  await page.locator('.sync-examples li').first().waitFor();
  await button('Change something').click();
  await page.getByRole('heading', { name: 'How shall it work?' }).waitFor();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'My shows', 'the name after the dry run');
  equal([(await api('GET', '/v1/links')).links, await written() - before], [[], 0], 'what the dry run made, and wrote');
});

await step('Google out of reach', async () => {
  await google('POST', '/emulator/faults', { method: 'spreadsheets.get', kind: 'before', status: 403, count: 1 });
  await button('Next: Try').click();
  await page.locator('.link-try .problem').waitFor();
  equal(await button('Make the link').isDisabled(), true, 'making a link that could not be tried is possible');
  await looks('try-failed');
  await button('Try again').click();
  await page.getByText('3 rows will be added').waitFor();
});

await step('a refusal leads to its field', async () => {
  await api('POST', '/v1/links?link_id=shows', { table: 'shows', spreadsheetId: world.spreadsheet, tab: 'Other', createTab: true });
  await button('Make the link').click();
  await page.getByText('There is a link with this id already.').waitFor();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'My shows', 'what was typed before the refusal');
  await api('DELETE', '/v1/links/shows');
  await page.getByLabel('Id', { exact: true }).fill('show');
  await page.getByLabel('Id', { exact: true }).fill('shows');
});

await step('make it, plan all rows, apply', async () => {
  await button('Next: Try').click();
  await button('Make the link').click();
  await button('Plan the initial sync').click();
  await page.getByText('This is the plan.').waitFor();
  await looks('made');
  await button('Apply this plan').click();
  await page.getByText(/4 rows? were added/).waitFor();
  const made = await link();
  equal([made.displayName, made.updateTimeColumn, made.columns.find((c) => c.column === 'seen').owner, made.columns.find((c) => c.column === 'score').conflictPolicy],
    ['My shows', 'updated_at', 'DATABASE', 'SHEET_WINS'], 'the link that was made');
});

// picked goes to the columns of a new link between the table shows and a tab.
async function picked(tab) {
  await page.goto(`${world.base}#/links/new`);
  await page.getByRole('radio', { name: /^shows/ }).check();
  await button('Next: Sheet').click();
  await page.getByLabel('Address of the Google Sheet').fill(world.spreadsheet);
  await page.getByText('linked already, by My shows').waitFor();
  await page.getByRole('radio', { name: tab }).check();
}

await step('a long tab', async () => {
  const { replies } = await google('POST', `/v4/spreadsheets/${world.spreadsheet}:batchUpdate`, { requests: [{ addSheet: { properties: { title: 'Long', gridProperties: { rowCount: 3000, columnCount: 3 } } } }] });
  const values = [['Id', 'Title'], ...Array.from({ length: 2000 }, (_, i) => [i < 900 ? i + 1 : `no ${i}`, `Show ${i + 1}`])];
  await google('PUT', `/v4/spreadsheets/${world.spreadsheet}/values/Long!A1:B2001?valueInputOption=RAW`, { values });
  await picked(/^Long/);
  await page.getByText('The headers stand in another row').click();
  await page.getByLabel('Row of the headers').fill('2');
  await button('Next: Columns').click();
  await page.getByText('Write the headers as they stand in row 2.').waitFor();
  await page.getByText('The tab has no header "title".').waitFor();
  await looks('columns-headers');
  await button('Back').click();
  await page.getByText('The headers stand in another row').click();
  await page.getByLabel('Row of the headers').fill('1');
  await button('Next: Columns').click();
  await page.getByText('The first 1,000 rows of the tab were looked at; it has more.').waitFor();
  await says('id', /^100 of 1,000 do not fit: row 902: .no 900. is not a whole number/);
  await says('title', '1,000 cells fit');
  await button('Next: Choices').click();
  await button('Next: Try').click();
  await page.getByText('only the whole tab tells').waitFor();
  await looks('try-long');
  await google('POST', `/v4/spreadsheets/${world.spreadsheet}:batchUpdate`, { requests: [{ deleteSheet: { sheetId: replies[0].addSheet.properties.sheetId } }] });
});

await step('a new tab', async () => {
  await picked(/^A new tab/);
  await page.getByLabel('Name of the new tab').fill('Copy of shows');
  await button('Next: Columns').click();
  await page.getByText('The tab is new: there are no rows in it yet.').waitFor();
  await page.getByLabel('Header of title').fill('The title');
  await button('Next: Choices').click();
  equal(await page.getByLabel('Id', { exact: true }).inputValue(), 'shows-2', 'the id that is offered');
  await button('Next: Try').click();
  await page.getByText('The tab “Copy of shows” is added to the spreadsheet.').waitFor();
  await page.getByText('headers are written into row 1 of the tab').waitFor();
  await page.getByText(/\d+ rows will be added/).waitFor();
  await button('Change something').click();
  await page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: /Columns/ }).click();
  equal(await page.getByLabel('Header of title').inputValue(), 'The title', 'the header that was typed');
  await page.reload();
  equal(await page.getByLabel('Header of title').inputValue(), 'The title', 'the header after a reload');
  const { tabs } = await api('GET', `/v1/spreadsheets/${world.spreadsheet}/tabs`);
  equal(tabs.some((t) => t.title === 'Copy of shows'), false, 'the dry run added the tab');
  await button('Next: Choices').click();
  await button('Next: Try').click();
  await looks('try-new-tab');
  await button('Make the link').click();
  await button('Plan the initial sync').click();
  await page.getByText('This is the plan.').waitFor();
  equal(/#\/links\/shows-2\/sync$/.test(page.url()), true, 'the page of the link that was made');
  await page.goBack(); // the link is made: the wizard begins afresh
  await page.getByRole('heading', { name: 'Which table?' }).waitFor();
  equal(await button('Next: Sheet').isDisabled(), true, 'the wizard still has the table of the link that is made');
});

await browser.close();
