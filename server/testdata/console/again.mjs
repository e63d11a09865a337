// Signing in again as somebody who may do less, and what is said then: node again.mjs WORLD, with an admin's token in CONSOLE_TOKEN.
import { scene, visit, equal, until } from './lib.mjs';

const admin = process.env.CONSOLE_TOKEN;
const { world, size, onPhone, browser, page, api, google, button, looks, step } = await scene('again', admin);
const token = async (displayName, role) => api('POST', '/v1/tokens', { displayName, role });
const asking = (at) => at.page.getByRole('dialog', { name: 'Sign in again' });
const sentence = 'What you typed is still here';

// visitAs opens an address as somebody whom the server refuses in a moment.
async function visitAs(made, hash) {
  const other = await visit(browser, world.base, size, { storage: { 'tandem.token': made.secret } });
  await other.page.goto(`${world.base}#${hash}`);
  return other;
}

// enter signs in again with another token.
async function enter(at, secret) {
  await asking(at).getByLabel('Token').fill(secret);
  await asking(at).getByRole('button', { name: 'Sign in' }).click();
  await asking(at).waitFor({ state: 'detached' });
}

const viewer = await token('Viewer', 'VIEWER');

await step('somebody who typed may save no more', async () => {
  const made = await token('Editor', 'EDITOR'), ann = await visitAs(made, '/links/films/rows/database');
  await ann.page.locator('.live.on').waitFor();
  if (onPhone) await ann.page.locator('.row-cards > li').filter({ hasText: 'Film 03' }).getByRole('button').first().click();
  else await ann.page.locator('tr[data-id$="/3"] td[data-column=title]').dblclick();
  const form = onPhone ? ann.page.getByRole('dialog') : ann.page.locator('tr.editing');
  const title = onPhone ? form.getByLabel('title') : form.locator('[data-column=title]');
  await title.fill('Typed by Ann');
  await button('Save', form).waitFor();
  await api('DELETE', `/v1/${made.token.name}`);
  await asking(ann).getByText(sentence).waitFor();
  await enter(ann, viewer.secret);
  await ann.page.getByText('may only look').waitFor();
  equal(await title.inputValue(), 'Typed by Ann', 'what was typed');
  equal(await ann.page.getByRole('button', { name: 'Save', includeHidden: true }).count(), 0, 'buttons that save');
  equal(await ann.page.getByRole('button', { name: /^(Add|Delete)/ }).count(), 0, 'buttons that write');
  await looks('typed', { at: ann, full: false });
  await title.press('Enter');
  await button(onPhone ? 'Close' : 'Cancel', onPhone ? form.locator('footer') : form).click();
  await button('Discard it', ann.page).click();
  await form.waitFor({ state: 'detached' });
  equal((await api('GET', '/v1/links/films/sources/database/rows/3')).values.title, 'Film 03', 'the row');
  ann.check();
  await ann.context.close();
});

await step('nothing is said of typing where nobody typed', async () => {
  const made = await token('Reader', 'VIEWER'), bob = await visitAs(made, '/links/films/sync');
  await bob.page.getByRole('heading', { name: 'State' }).waitFor();
  await api('DELETE', `/v1/${made.token.name}`);
  await asking(bob).waitFor();
  equal(await bob.page.getByText(sentence).count(), 0, 'sentences about typing');
  await looks('not-typed', { at: bob, full: false });
  await enter(bob, viewer.secret);
  await bob.context.setOffline(true);
  await bob.page.getByText('The server cannot be reached. Try again in a moment.').first().waitFor();
  equal(await bob.page.getByText(sentence).count(), 0, 'sentences about typing');
  bob.check();
  await bob.context.close();
});

await step('the tab that is shown stays in view in a narrow window', async () => {
  const full = page.viewportSize();
  for (const [hash, name] of [['sync/history', 'History'], ['rows/database', 'Database'], ['settings', 'Settings']]) {
    await page.goto(`${world.base}#/links/films/${hash}`);
    const tab = page.locator('.tabs a[aria-current]').filter({ hasText: name });
    for (const width of [full.width, 240, full.width, 240]) {
      await page.setViewportSize({ ...full, width });
      await until(() => tab.evaluate((a) => {
        const bar = a.parentElement.getBoundingClientRect(), place = a.getBoundingClientRect();
        return place.left >= bar.left - 0.5 && place.right <= bar.right + 0.5;
      }), `the tab ${name} is out of view in ${width} pixels`);
    }
    await page.setViewportSize(full);
  }
});

await step('a page that is hidden asks for nothing', async () => {
  await page.goto(`${world.base}#/links/films/sync`);
  await page.getByRole('heading', { name: 'State' }).waitFor();
  await google('PUT', '/emulator/settings', { latencyMs: 4000 }); // the plan takes longer than any pause between looks at it
  await button('Plan the initial sync').click();
  await page.getByText('Making the plan.').waitFor();
  // As a browser tells the page when another tab is before it.
  const hide = (hidden) => page.evaluate((now) => {
    Object.defineProperty(document, 'hidden', { value: now, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  let asked = [];
  page.on('request', (r) => asked.push(r.url()));
  await hide(true);
  await page.waitForLoadState('networkidle'); // half a second without a request, which nothing but resting gives
  asked = [];
  await until(async () => ((await api('GET', '/v1/operations?pageSize=1')).operations[0] || {}).done, 'the plan is not made');
  equal(asked, [], 'requests of a hidden page');
  await google('PUT', '/emulator/settings', {});
  await hide(false);
  await page.getByText('This is the plan. Nothing has been changed yet.').waitFor();
  await page.reload();
  await page.getByText('This is the plan. Nothing has been changed yet.').waitFor(); // metadata say that it is one
  await looks('plan');
});

await step('what undoing would lose is said while nothing flows', async () => {
  await api('POST', '/v1/links/films:pause', {});
  await page.goto(`${world.base}#/links/films/rows/database`);
  await page.getByText('The link is paused').first().waitFor();
  if (onPhone) {
    await page.locator('.row-cards > li').filter({ hasText: 'Film 05' }).getByRole('button').first().click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Delete' }).click();
  } else {
    await page.locator('tbody tr').filter({ hasText: 'Film 05' }).getByRole('button', { name: /^Delete/ }).click();
  }
  const ask = page.getByRole('dialog', { name: 'Delete Film 05?' });
  await ask.getByText('hidden', { exact: true }).waitFor();
  await looks('losing', { full: false });
  await button('Keep it', ask).click();
  await ask.waitFor({ state: 'detached' });
  equal((await api('GET', '/v1/links/films/sources/database/rows/5')).values.title, 'Film 05', 'the row');
});

await browser.close();
