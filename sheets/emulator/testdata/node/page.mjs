// Uses the page as a person does, in a browser: type, insert, delete, sort, undo, and see what the API writes.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [base, executablePath, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const picture = (page, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png` });

// used visits the page in one size and scheme; every errors of the page fails it.
async function used(options, visit) {
  const page = await (await browser.newContext(options)).newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
  await page.goto(base);
  await page.getByText('live', { exact: true }).waitFor();
  await visit(page, (address) => page.locator('#grid tbody tr').nth(Number(address.slice(1)) - 1)
    .locator('td').nth(address.charCodeAt(0) - 65));
  assert.deepEqual(errors, []);
  await page.close();
}

const values = async (range) => (await (await fetch(`${base}/v4/spreadsheets/demo/values/${range}`)).json()).values;
const becomes = async (cell, text) => {
  for (let i = 0; i < 100 && (await cell.textContent()) !== text; i++) await new Promise((r) => setTimeout(r, 30));
  assert.equal(await cell.textContent(), text);
};

await used({ viewport: { width: 1100, height: 700 } }, async (page, cell) => {
  await becomes(cell('B2'), 'Akira');
  await cell('B2').click();
  await page.keyboard.type('Ponyo');
  await page.keyboard.press('Enter');
  await becomes(cell('B2'), 'Ponyo');
  assert.deepEqual(await values('Anime!B2'), [['Ponyo']]);

  await page.keyboard.press('Control+z');
  await becomes(cell('B2'), 'Akira');

  await fetch(`${base}/v4/spreadsheets/demo/values/Anime!C2?valueInputOption=RAW`,
    { method: 'PUT', body: JSON.stringify({ values: [[9.5]] }) });
  await becomes(cell('C2'), '9.5');

  await cell('A2').click();
  await page.getByRole('button', { name: 'Insert row' }).click();
  await becomes(cell('B3'), 'Akira');
  await cell('A2').click();
  await page.getByRole('button', { name: 'Delete row' }).click();
  await becomes(cell('B2'), 'Akira');

  await cell('C1').click();
  await page.getByRole('button', { name: 'Sort A to Z' }).click();
  await becomes(cell('B2'), 'Berserk');
  await page.getByRole('button', { name: 'Undo' }).click();
  await becomes(cell('B2'), 'Akira');

  await page.getByRole('tab', { name: 'Other' }).click();
  await becomes(cell('A1'), 'other tab');
  await page.getByRole('tab', { name: 'Anime' }).click();
  await becomes(cell('A1'), 'id');
  await picture(page, 'desk');
});

await used({ viewport: { width: 360, height: 640 }, colorScheme: 'dark', hasTouch: true }, async (page, cell) => {
  await cell('B3').tap();
  await page.getByLabel('Content of the selected cell').fill('=1/0');
  await page.keyboard.press('Enter');
  await becomes(cell('B3'), '#DIV/0!');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'the page must not scroll sideways on a phone');
  await picture(page, 'phone');
});

await browser.close();
console.log('ok');
