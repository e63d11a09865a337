// Changing a link in its settings, in a browser, to its end: node links-settings.mjs WORLD, a JSON object.
import { scene, until, equal } from './lib.mjs';

const { world, browser, first, page, api, button, toast, looks, dimly, step } = await scene('links');
const panel = (name) => page.locator('.panel').filter({ has: page.getByRole('heading', { name, exact: true }) });
const link = () => api('GET', '/v1/links/shows');

await step('links', async () => {
  await first.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const given = { table: 'shows', spreadsheetId: world.spreadsheet };
  await api('POST', '/v1/links?linkId=shows', { ...given, tab: 'Data', displayName: 'My shows', updateTimeColumn: 'updated_at' });
  await api('POST', '/v1/links?linkId=shows-2', { ...given, tab: 'Copy of shows', createTab: true });
  const { name } = await api('POST', '/v1/links/shows:initialSync', {});
  await until(async () => (await api('GET', `/v1/${name}`)).done, 'the initial sync does not end');
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
  await dimly('settings', 'links/shows/settings');
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
  await button('Dismiss').last().click(); // it stays while the pointer is on it
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
