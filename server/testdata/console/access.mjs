// Who may do what: node access.mjs ABOUT, with an admin's token in CONSOLE_TOKEN. ABOUT is as for rows.mjs.
import { open, visit, phone, desk, accessible, fits, touchable, equal, caller } from './lib.mjs';

const about = JSON.parse(process.argv[2]), admin = process.env.CONSOLE_TOKEN;
const size = about.size === 'phone' ? phone : desk;
const onPhone = size === phone;
const call = caller(about.base, admin);
const browser = await open(about.browser);

const tour = await visit(browser, about.base, size);
const { page, shoot } = tour;
const made = {};

async function look(at, what) {
  await accessible(at.page, what);
  await fits(at.page, what);
  if (onPhone) await touchable(at.page, what);
  await at.shoot(`access-${what}`);
}

// visitAs is a browser of its own with a token, which allows what is told.
async function visitAs(token, address, allowed) {
  const other = await visit(browser, about.base, size, { storage: { 'tandem.token': token } });
  // As long as the server does not say what a token allows, it is said here.
  if (allowed) await other.page.route('**/v1/info', async (route) => {
    const answer = await route.fetch(), info = answer.ok() ? await answer.json() : null;
    if (info && info.role) equal([info.role, info.links || []], [allowed.role, allowed.links], 'what the server says of the token');
    await (info ? route.fulfill({ response: answer, json: { ...info, ...allowed } }) : route.fulfill({ response: answer }));
  });
  await other.page.goto(about.base + address);
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

const steps = {
  'sign in': async () => {
    await page.goto(`${about.base}#/access`);
    await page.getByLabel('Token').waitFor();
    await look(tour, 'sign-in');
    const enter = page.getByRole('button', { name: 'Sign in' });
    await enter.click();
    await page.getByText('Paste the token here.').waitFor();
    await page.getByLabel('Token').fill('tdm_wrong');
    await enter.click();
    await page.getByText(/not one that this server knows/).waitFor();
    equal(await page.getByLabel('Token').inputValue(), 'tdm_wrong', 'what was typed');
    equal(await page.getByLabel('Token').getAttribute('aria-invalid'), 'true', 'the refused field');
    await look(tour, 'sign-in-refused');
    await page.getByLabel('Token').fill(` Authorization: Bearer ${admin}\n`); // as it stands in a file for curl
    await page.getByLabel('Stay signed in on this device').uncheck();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Access' }).waitFor();
    equal(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 1], 'where the token is kept');
    equal(page.url().includes('tdm_'), false, 'the token is in the address');
    await page.reload();
    await page.getByText('ops', { exact: true }).waitFor();
  },

  'make tokens': async () => {
    await page.getByRole('button', { name: 'New token' }).click();
    const form = page.getByRole('dialog', { name: 'New token' });
    await form.getByRole('radio', { name: 'Only certain links' }).check();
    await form.getByRole('button', { name: 'Make token' }).click();
    await form.getByText('Say who or what the token is for.').waitFor();
    await form.getByText('Choose at least one link.').waitFor();
    await look(tour, 'new');
    await form.getByRole('button', { name: 'Cancel' }).click();

    const shown = await make('Reading desk', 'Viewer');
    await look(tour, 'secret');
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
    await look(tour, 'tokens');
    const { tokens } = await call('GET', '/v1/tokens');
    const ann = tokens.find((t) => t.displayName === 'Phone of Ann');
    equal([ann.role, ann.links, Math.round((Date.parse(ann.expireTime) - Date.now()) / 86400e3)], ['EDITOR', ['links/films'], 30], 'the token');
  },

  'a viewer sees no buttons that would be refused': async () => {
    const viewer = await visitAs(made['Reading desk'], '#/links/films/rows/database', { role: 'VIEWER', links: [] });
    await viewer.page.locator('.standing').getByText('70 rows', { exact: true }).waitFor();
    for (const name of [/^Add/, /^Edit/, /^Delete/, /^New link/]) equal(await viewer.page.getByRole('button', { name }).count(), 0, `buttons named ${name}`);
    for (const name of ['Access', 'Settings']) equal(await viewer.page.getByRole('link', { name, exact: true }).count(), 0, `links named ${name}`);
    if (onPhone) {
      await viewer.page.locator('.row-card').first().click();
      const shown = viewer.page.getByRole('dialog');
      await shown.getByText('note 1', { exact: true }).waitFor();
      equal(await shown.locator('input, select, textarea').count(), 0, 'inputs of a row');
      await look(viewer, 'viewer');
      await shown.getByRole('button', { name: 'Close' }).first().click();
    } else {
      await viewer.page.locator('td[data-column=title]').first().click();
      equal(await viewer.page.locator('.editing').count(), 0, 'rows that are edited');
      await look(viewer, 'viewer');
    }
    await viewer.page.goto(`${about.base}#/links`);
    await viewer.page.getByRole('heading', { name: 'Links' }).waitFor();
    equal(await viewer.page.getByText('New link').count(), 0, 'the way to make a link');
    for (const address of ['#/access', '#/links/new', '#/links/films/settings']) { // from a bookmark, or a colleague
      await viewer.page.goto(about.base + address);
      await viewer.page.getByText('An admin can do this').waitFor();
      equal(await viewer.page.locator('main button').count(), 0, `buttons at ${address}`);
      await look(viewer, 'not-allowed');
    }
    viewer.check();
    await viewer.context.close();
  },

  'an admin of one link sees no way to what is beyond it': async () => {
    await (await make('Admin of films', 'Admin', async (f) => {
      await f.getByRole('radio', { name: 'Only certain links' }).check();
      await f.getByRole('checkbox', { name: 'Films' }).check();
    })).getByRole('button', { name: 'Done' }).click();
    const keeper = await visitAs(made['Admin of films'], '#/links', { role: 'ADMIN', links: ['links/films'] });
    await keeper.page.getByRole('link', { name: /Films/ }).click();
    await keeper.page.getByRole('link', { name: 'Settings', exact: true }).waitFor();
    equal(await keeper.page.getByRole('link', { name: 'Access', exact: true }).count(), 0, 'the way to tokens');
    keeper.check();
    await keeper.context.close();
  },

  'a token that ends while somebody types': async () => {
    const ann = await visitAs(made['Phone of Ann'], '#/links/films/rows/database');
    await ann.page.locator('.standing').getByText('70 rows', { exact: true }).waitFor();
    await ann.page.getByRole('button', { name: 'Add row' }).click();
    const form = ann.page.getByRole('dialog', { name: /^New row/ });
    await form.getByLabel('title').fill('Typed before the end');

    await page.getByRole('button', { name: 'Revoke Phone of Ann' }).click();
    const ask = page.getByRole('dialog', { name: 'Revoke this token?' });
    await look(tour, 'revoke');
    await ask.getByRole('button', { name: 'Revoke it' }).click();
    await page.getByRole('button', { name: 'Revoke Phone of Ann' }).waitFor({ state: 'detached' });

    const again = ann.page.getByRole('dialog', { name: 'Sign in again' });
    await again.waitFor();
    await look(ann, 'again');
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
  },

  'sign out': async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0, 'tokens that are kept');
    await page.reload();
    await page.getByLabel('Token').waitFor();
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    tour.check();
  } catch (error) {
    await shoot('access-failed').catch(() => {});
    console.error(`${size.name}: ${name}: ${error.stack}`);
    process.exit(1);
  }
  console.log(`${size.name}: ${name}`);
}
const night = await visit(browser, about.base, size, { scheme: 'dark', storage: { 'tandem.token': admin } });
await night.page.goto(`${about.base}#/access`);
await night.page.getByText('ops', { exact: true }).waitFor();
await look(night, 'tokens');
night.check();
await browser.close();
