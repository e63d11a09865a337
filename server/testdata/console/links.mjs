// Making and changing links, in a browser, with what can be wrong on the way: node links.mjs WORLD, a JSON object.
import { open, visit, accessible, fits, touchable, until, equal, caller, phone, desk } from './lib.mjs';

const world = JSON.parse(process.argv[2]);
const size = { phone, desk }[world.size];
const api = caller(world.base), google = caller(world.google);
const browser = await open(world.browser);
const first = await visit(browser, world.base, size), dark = await visit(browser, world.base, size, { scheme: 'dark' });
const { page, shoot, check } = first;
const button = (name, within = page) => within.getByRole('button', { name, exact: typeof name === 'string' });
const toast = (text) => page.locator('.toasts').getByText(text).last().waitFor();
const panel = (name) => page.locator('.panel').filter({ has: page.getByRole('heading', { name, exact: true }) });
const account = 'tandem@example.iam.gserviceaccount.com';
const link = () => api('GET', '/v1/links/shows');

async function looks(what) {
  await accessible(page, what);
  await fits(page, what);
  if (size === phone) await touchable(page, what);
  await shoot(`links-${what}`, true);
  check();
}

async function dimly(what, hash, ready) {
  await dark.page.goto(`${world.base}#${hash}`);
  await dark.page.locator(ready).first().waitFor();
  await accessible(dark.page, `${what} in the dark`);
  await dark.shoot(`links-${what}`, true);
  dark.check();
}

async function step(what, run) {
  const begin = Date.now();
  try {
    await run();
    check();
  } catch (error) {
    await shoot(`links-failed`, true);
    throw new Error(`${world.size}, ${what}: ${error.stack || error}`);
  }
  console.log(`${what}: ${Date.now() - begin} ms`);
}

await page.route('**/v1/info', async (route) => {
  const answer = await route.fetch();
  await route.fulfill({ response: answer, json: { ...(await answer.json()), googleAccount: account } });
});

await step('tables', async () => {
  await page.goto(`${world.base}#/links/new`);
  equal(await page.getByRole('radio', { name: /^notes/ }).isDisabled(), true, 'a table without a key can be picked');
  await page.getByText(/primary key/i).first().waitFor();
  equal(await button('Next: Sheet').isDisabled(), true, 'going on without a table is possible');
  await page.getByRole('radio', { name: /^shows/ }).check();
  await page.getByRole('heading', { name: 'Columns of shows' }).waitFor();
  await page.getByText('decimal(4,2)').waitFor();
  await looks('tables');
  await dimly('tables', '/links/new', '.link-pick');
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
  await page.getByLabel('Owner of seen').selectOption('DATABASE');
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

await step('a refusal leads to its field', async () => {
  await api('POST', '/v1/links?link_id=shows', { table: 'shows', spreadsheetId: world.spreadsheet, tab: 'Other', createTab: true });
  await button('Next: Try').click();
  await looks('try');
  await button('Make the link and try it').click();
  await page.getByText('There is a link with this id already.').waitFor();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'My shows', 'what was typed before the refusal');
  await api('DELETE', '/v1/links/shows');
  await page.getByLabel('Id', { exact: true }).fill('show');
  await page.getByLabel('Id', { exact: true }).fill('shows');
});

await step('try, change something, try again', async () => {
  await button('Next: Try').click();
  await button('Make the link and try it').click();
  await page.getByText('3 rows will be added').waitFor();
  await looks('tried');
  await button('Change something').click();
  await toast('The link is taken away again');
  await until(async () => (await api('GET', '/v1/links')).links.length === 0, 'links are left');
  await button('Next: Try').click();
  await button('Make the link and try it').click();
  await button('Apply this plan').click();
  await page.getByText(/4 rows? were added/).waitFor();
  const made = await link();
  equal([made.displayName, made.updateTimeColumn, made.columns.find((c) => c.column === 'seen').owner, made.columns.find((c) => c.column === 'score').conflictPolicy],
    ['My shows', 'updated_at', 'DATABASE', 'SHEET_WINS'], 'the link that was made');
});

await step('a new tab', async () => {
  await page.goto(`${world.base}#/links/new`);
  await page.getByRole('radio', { name: /^shows/ }).check();
  await button('Next: Sheet').click();
  await page.getByLabel('Address of the Google Sheet').fill(world.spreadsheet);
  await page.getByText('linked already, by My shows').waitFor();
  await page.getByRole('radio', { name: /^A new tab/ }).check();
  await page.getByLabel('Name of the new tab').fill('Copy of shows');
  await button('Next: Columns').click();
  await page.getByLabel('Header of title').fill('The title');
  await button('Next: Choices').click();
  equal(await page.getByLabel('Id', { exact: true }).inputValue(), 'shows-2', 'the id that is offered');
  await button('Next: Try').click();
  await button('Make the link and try it').click();
  await page.getByText(/\d+ rows will be added/).waitFor();
  await button('Change something').click();
  await page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: /Columns/ }).click();
  equal(await page.getByLabel('Header of title').inputValue(), 'The title', 'the header that stands in the new tab now');
  await button('Next: Choices').click();
  await button('Next: Try').click();
  await button('Make the link and try it').click();
  await page.getByText(/\d+ rows will be added/).waitFor();
  await page.getByRole('link', { name: 'Later' }).click();
  await page.getByText('This is the plan.').waitFor();
  await page.goBack(); // the link is made: its own page goes on
  await page.getByText('This is the plan.').waitFor();
  equal(/#\/links\/shows-2\/sync$/.test(page.url()), true, 'the page of the link that was made');
});

await step('settings', async () => {
  await page.goto(`${world.base}#/links/shows/settings`);
  const choices = panel('Choices');
  await choices.getByLabel('Name', { exact: true }).fill('Shows of mine');
  await choices.getByLabel('Rows', { exact: true }).fill('25');
  await choices.getByText('Alerts').click();
  await choices.getByLabel('Address that is called').fill('nowhere');
  await button('Save', choices).click();
  await choices.locator('.field.wrong').waitFor();
  await looks('settings-wrong');
  await choices.getByLabel('Address that is called').fill('https://alerts.example.com/tandem');
  await button('Save', choices).click();
  await toast('Saved');
  await page.getByRole('heading', { name: 'Shows of mine', level: 1 }).waitFor();
  const { displayName, deleteLimit, alertUrl } = await link();
  equal([displayName, deleteLimit.count, alertUrl], ['Shows of mine', 25, 'https://alerts.example.com/tandem'], 'the settings that were saved');

  await choices.getByLabel('Name', { exact: true }).fill('Mine');
  await api('PATCH', '/v1/links/shows?updateMask=displayName', { displayName: 'Theirs' });
  await page.getByText('Somebody else changed this part').waitFor();
  equal(await choices.getByLabel('Name', { exact: true }).inputValue(), 'Mine', 'what was typed');
  await looks('settings-stale');
  await button('Keep mine, and save over it', choices).click();
  await button('Save', choices).click();
  await page.getByRole('heading', { name: 'Mine', level: 1 }).waitFor();
  await dimly('settings', '/links/shows/settings', '.panel');
});

await step('columns of a link', async () => {
  const columns = panel('Columns');
  await button('Edit the columns', columns).click();
  equal(await page.getByLabel('Header of title').inputValue(), 'Title', 'the header of a linked column');
  await page.getByLabel('Conflict policy of title').selectOption('RULES');
  await page.getByLabel('Header of aired').selectOption('');
  await button('Save', columns).click();
  await until(async () => !(await link()).columns.some((c) => c.column === 'aired'), 'the column is still linked');
  equal((await link()).columns.find((c) => c.column === 'title').conflictPolicy, 'RULES', 'the policy that was saved');
  await until(() => button('Save', columns).isDisabled(), 'the form still has something to save');
  await page.getByLabel('Header of aired').selectOption('Aired');
  await button('Save', columns).click();
  await until(async () => (await link()).columns.some((c) => c.column === 'aired'), 'the column is not linked again');
  await looks('settings-columns');
});

await step('rules', async () => {
  const rules = panel('Rules');
  await button('Add a rule', rules).click();
  await rules.getByLabel('Column').selectOption('title');
  const text = rules.getByLabel('Expression');
  await text.fill('database >> sheet');
  await rules.getByText(/Syntax error/).waitFor();
  equal(await button('Save', rules).isDisabled(), true, 'saving a wrong rule is possible');
  await looks('rules-wrong');
  await text.fill('titel');
  await rules.getByText(/undeclared reference to 'titel'/i).waitFor();
  await text.fill('sheet');
  await rules.getByText(/Tried on \d+ conflicts? of the past/).waitFor();
  await rules.getByText(/\d+ would have ended as they did/).waitFor();
  await looks('rules');
  await button('Save', rules).click();
  await until(async () => (await link()).rules.length, 'the rules are not saved');
  equal((await link()).rules, [{ column: 'title', expression: 'sheet' }], 'the rules that were saved');
});

await step('the Apps Script', async () => {
  const script = panel('Faster edits from the sheet');
  await button('Show the script', script).click();
  const code = script.getByRole('region', { name: 'Code.gs' });
  await code.waitFor();
  const before = await code.textContent();
  await looks('script');
  await button('Copy Code.gs', script).click();
  equal(await page.evaluate(() => navigator.clipboard.readText()), before, 'the script that was copied');
  await button('Make a new secret…', script).click();
  await button('Make it new').click();
  await toast('The secret is new');
  await until(async () => (await code.textContent()) !== before, 'the script holds the old secret');
});

await step('the end of a link', async () => {
  await button('Delete the link…').click();
  equal(await button('Delete it').isDisabled(), true, 'deleting without typing the id is possible');
  await looks('delete');
  await page.getByLabel('Type shows to go on').fill('shows');
  await button('Delete it').click();
  await page.getByRole('heading', { name: 'Links', level: 1 }).waitFor();
  await until(async () => (await api('GET', '/v1/links')).links.map((l) => l.name).join() === 'links/shows-2', 'other links are left than links/shows-2');
});

await browser.close();
