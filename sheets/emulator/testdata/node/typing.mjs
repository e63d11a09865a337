// Types a row into a tab as a person does, in a browser: node typing.mjs BASE CHROMIUM SPREADSHEET SHEET ROW TEXT…
import { chromium } from 'playwright-core';

const [base, executablePath, id, sheet, row, ...texts] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage();
await page.goto(`${base}/#${new URLSearchParams({ id, sheet })}`);
await page.getByText('live', { exact: true }).waitFor();
const cells = page.locator('#grid tbody tr').nth(Number(row) - 1).locator('td');
for (const [column, text] of texts.entries()) {
  await cells.nth(column).click();
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}
await browser.close();
