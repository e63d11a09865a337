// What Google's quota does to people: node quota.mjs WORLD, a JSON object. The server may make 20 reads and 8 writes a minute.
import { scene, equal, until, arrive } from './lib.mjs';

const { world, browser, page, api, google, listed, looks, dimly, step } = await scene('quota');
const minute = 100_000; // for what comes with the next one
const sql = async (statement) => {
  const answer = await fetch(world.sql, { method: 'POST', body: statement });
  if (!answer.ok) throw new Error(`${statement}: ${await answer.text()}`);
};
const budget = (name) => page.locator('.sync-budget').filter({ has: page.getByRole('heading', { name }) });
const left = async (name) => Number((await budget(name).getByText(/of \d+ left this minute/).textContent()).match(/^(\d+) of/)[1]);

await step('the budget in numbers', async () => {
  await arrive(page, world.base, 'links/plants/sync');
  await until(async () => {
    const { reads, writes } = await api('GET', '/v1/quota');
    return await left('Reads') === Number(reads.left) && await left('Writes') === Number(writes.left) && Number(reads.limit) === 20 && Number(writes.limit) === 8;
  }, 'what the page says is left is not what the server says');
  await page.getByText('Nothing waits.').waitFor();
});

await step('more people than the budget has calls', async () => {
  // Each asks for what nobody else asks for in between, and comes again when it is sent away.
  const crowd = new AbortController(), answers = [];
  const all = Promise.all(Array.from({ length: 40 }, async () => {
    while (!crowd.signal.aborted) {
      const answer = await fetch(new URL(`/v1/spreadsheets/${world.spreadsheet}/tabs`, world.base), { signal: crowd.signal }).catch(() => null);
      if (answer) answers.push(answer.status);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }));
  await budget('Reads').getByText(/^\d+ calls? waits? for (its|their) turn\.$/).waitFor();
  await until(() => answers.includes(429), 'nobody is sent away');
  await looks('crowd');
  // Who comes now is told when to come again, and what was typed stays.
  await arrive(page, world.base, 'links/new/sheet');
  await page.getByRole('radio', { name: /^plants/ }).check();
  await page.getByRole('button', { name: 'Next: Sheet' }).click();
  await page.getByLabel('Address of the Google Sheet').fill(world.spreadsheet);
  // Who comes as another leaves has a place in the queue, and waits; then the next one is told.
  await until(async () => {
    const told = await page.locator('.problem').getByText(/used up|quota/i).first().waitFor({ timeout: 3000 }).then(() => true, () => false);
    if (!told) await page.reload();
    return told;
  }, 'nobody is told that the budget is used up');
  equal(await page.getByLabel('Address of the Google Sheet').inputValue(), world.spreadsheet, 'what was typed');
  await looks('sent-away');
  crowd.abort();
  await all;
});

await step('rows wait for their turn, and Google turns a call down', async () => {
  await google('POST', '/emulator/faults', { method: 'spreadsheets.batchUpdate', kind: 'before', status: 429, count: 1 });
  await sql('UPDATE plants SET pots = 50 WHERE id > 10');
  await arrive(page, world.base, 'links/plants/sync');
  await page.getByText(/^This link: 30 rows/).waitFor(); // people have used up the reads
  await page.getByText(/^At the pace of the last minutes it is done in/).waitFor();
  await looks('waiting');
  await dimly('waiting', 'links/plants/sync');
  await page.getByText('Google turned down 1 call in the last hour.').waitFor({ timeout: minute });
  await looks('turned-down');
  await page.getByText('Nothing waits.').waitFor({ timeout: minute });
  await until(async () => {
    const sheet = await listed('plants', 'sheet').catch(() => ({}));
    return Object.values(sheet).filter(({ pots }) => pots === 50).length === 30;
  }, 'the rows do not arrive', minute);
});

await browser.close();
