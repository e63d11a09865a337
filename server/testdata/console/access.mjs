// Signing in, and the tokens themselves: node access.mjs WORLD, a JSON object, with an admin's token in CONSOLE_TOKEN. What each of them
// is shown is the matter of allowed.mjs.
import { scene, visit, equal, caller } from './lib.mjs';

const admin = process.env.CONSOLE_TOKEN;
const { world, size, browser, page, looks, step } = await scene('access');
const call = caller(world.base, admin), made = {};
const look = (what, at) => looks(what, { at, full: false });

// visitAs is a browser of its own with a token.
async function visitAs(token, address) {
  const other = await visit(browser, world.base, size, { storage: { 'tandem.token': token } });
  await other.page.goto(world.base + address);
  return other;
}

async function make(name, role, choose = async () => {}) {
  await page.getByRole('button', { name: 'New token' }).click();
  const form = page.getByRole('dialog', { name: 'New token' });
  await form.getByLabel('Name').fill(name);
  await form.getByRole('radio', { name: new RegExp(`^${role}`) }).check();
  await choose(form);
  await form.getByRole('button', { name: 'Make token' }).click();
  const shown = page.getByRole('dialog', { name: `Token for ${name}` });
  await shown.waitFor();
  made[name] = await shown.getByLabel('Token').inputValue();
  return shown;
}

await step('sign in', async () => {
  await page.goto(`${world.base}#/access`);
  await page.getByLabel('Token').waitFor();
  await look('sign-in');
  const enter = page.getByRole('button', { name: 'Sign in' });
  await enter.click();
  await page.getByText('Paste the token here.').waitFor();
  await page.getByLabel('Token').fill('tdm_wrong');
  await enter.click();
  await page.getByText(/not one that this server knows/).waitFor();
  equal(await page.getByLabel('Token').inputValue(), 'tdm_wrong', 'what was typed');
  equal(await page.getByLabel('Token').getAttribute('aria-invalid'), 'true', 'the refused field');
  await look('sign-in-refused');
  await page.getByLabel('Token').fill(` Authorization: Bearer ${admin}\n`); // as it stands in a file for curl
  await page.getByLabel('Stay signed in on this device').uncheck();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Access' }).waitFor();
  equal(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 1], 'where the token is kept');
  equal(page.url().includes('tdm_'), false, 'the token is in the address');
  await page.reload();
  await page.getByText('ops', { exact: true }).waitFor();
});

await step('make tokens', async () => {
  await page.getByRole('button', { name: 'New token' }).click();
  const form = page.getByRole('dialog', { name: 'New token' });
  await form.getByRole('radio', { name: 'Only certain links' }).check();
  await form.getByRole('button', { name: 'Make token' }).click();
  await form.getByText('Say who or what the token is for.').waitFor();
  await form.getByText('Choose at least one link.').waitFor();
  await look('new');
  await form.getByRole('button', { name: 'Cancel' }).click();

  const shown = await make('Reading desk', 'Viewer');
  await look('secret');
  if (!/^tdm_[a-z0-9]{12}_[0-9A-Za-z]{49}$/.test(made['Reading desk'])) throw new Error(`the secret is ${made['Reading desk']}`);
  await shown.getByRole('button', { name: 'Copy' }).click();
  await shown.getByRole('button', { name: 'Copied' }).waitFor();
  await shown.getByRole('button', { name: 'Done' }).click();
  equal(await page.getByText(made['Reading desk']).count(), 0, 'the secret is still shown');
  await (await make('Phone of Ann', 'Editor', async (f) => {
    await f.getByRole('radio', { name: 'Only certain links' }).check();
    await f.getByRole('checkbox', { name: 'Films' }).check();
    await f.getByLabel('Expires').selectOption('in 30 days');
  })).getByRole('button', { name: 'Done' }).click();
  await page.getByText('Only Films').waitFor();
  await look('tokens');
  const { tokens } = await call('GET', '/v1/tokens');
  const ann = tokens.find((t) => t.displayName === 'Phone of Ann');
  equal([ann.role, ann.links, Math.round((Date.parse(ann.expireTime) - Date.now()) / 86400e3)], ['EDITOR', ['links/films'], 30], 'the token');
});

await step('an admin of one link sees no way to what is beyond it', async () => {
  await (await make('Admin of films', 'Admin', async (f) => {
    await f.getByRole('radio', { name: 'Only certain links' }).check();
    await f.getByRole('checkbox', { name: 'Films' }).check();
  })).getByRole('button', { name: 'Done' }).click();
  const keeper = await visitAs(made['Admin of films'], '#/links');
  await keeper.page.getByRole('link', { name: /Films/ }).click();
  await keeper.page.getByRole('link', { name: 'Settings', exact: true }).waitFor();
  equal(await keeper.page.getByRole('link', { name: 'Access', exact: true }).count(), 0, 'the way to tokens');
  keeper.check();
  await keeper.context.close();
});

await step('a token that ends while somebody types', async () => {
  const ann = await visitAs(made['Phone of Ann'], '#/links/films/rows/database');
  await ann.page.locator('.standing').getByText('70 rows', { exact: true }).waitFor();
  await ann.page.getByRole('button', { name: 'Add row' }).click();
  const form = ann.page.getByRole('dialog', { name: /^New row/ });
  await form.getByLabel('title').fill('Typed before the end');

  await page.getByRole('button', { name: 'Revoke Phone of Ann' }).click();
  const ask = page.getByRole('dialog', { name: 'Revoke this token?' });
  await look('revoke');
  await ask.getByRole('button', { name: 'Revoke it' }).click();
  await page.getByRole('button', { name: 'Revoke Phone of Ann' }).waitFor({ state: 'detached' });

  const again = ann.page.getByRole('dialog', { name: 'Sign in again' });
  await again.waitFor();
  await look('again', ann);
  await again.getByLabel('Token').fill(admin);
  await again.getByRole('button', { name: 'Sign in' }).click();
  await again.waitFor({ state: 'detached' });
  equal(await form.getByLabel('title').inputValue(), 'Typed before the end', 'what was typed');
  await ann.page.locator('.live.on').waitFor();
  await form.getByRole('button', { name: 'Add row' }).click();
  await form.waitFor({ state: 'detached' });
  equal((await call('GET', '/v1/links/films/sources/database/rows?filter=title%3D%22Typed%20before%20the%20end%22')).rows.length, 1, 'rows that were added');
  ann.check();
  await ann.context.close();
});

await step('sign out', async () => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0, 'tokens that are kept');
  await page.reload();
  await page.getByLabel('Token').waitFor();
});

await step('in the dark', async () => {
  const night = await visit(browser, world.base, size, { scheme: 'dark', storage: { 'tandem.token': admin } });
  await night.page.goto(`${world.base}#/access`);
  await night.page.getByText('ops', { exact: true }).waitFor();
  await look('tokens', night);
});

await browser.close();
