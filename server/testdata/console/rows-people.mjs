// How a person works with rows, in a window of either size: on a phone each is a card that opens, on a desk a line of a table.
import { until } from './lib.mjs';

// people are the ways to find, open, save and delete a row of the page that a scene shows. title is the column in which
// rows are edited.
export function people({ page, onPhone }, { title: usual = 'title' } = {}) {
  // What stands for a row: a card on a phone, a line on a desk.
  const shownRows = () => page.locator(onPhone ? '.row-cards > li' : 'tbody tr[data-id]');
  const shownRow = (title) => shownRows().filter({ hasText: title }).first();
  const found = (text) => page.locator('.standing').getByText(text, { exact: true }).waitFor();
  const dialog = (name) => page.getByRole('dialog', { name });
  const toast = (text) => page.locator('.toast').filter({ hasText: text });

  // edit opens a row, and field is one of its inputs then.
  async function edit(title, column = usual) {
    if (onPhone) {
      await shownRow(title).getByRole('button').first().click();
      await page.locator('dialog[open]').waitFor();
    } else {
      await shownRow(title).locator(`td[data-column="${column}"]`).click();
      await page.locator('tr.editing').waitFor();
    }
  }
  const field = (column) => page.locator(`${onPhone ? 'dialog[open]' : 'tr.editing'} [data-column="${column}"]:not(td)`);
  const save = () => page.locator(onPhone ? 'dialog[open]' : 'tr.editing').getByRole('button', { name: 'Save' }).click();
  // There may be two, one above the other, and they do not close at one time.
  const closed = () => until(async () => !(await page.locator(onPhone ? 'dialog[open]' : 'tr.editing').count()), 'what was edited is still open');
  async function remove(title) {
    if (onPhone) {
      await edit(title);
      await page.locator('dialog[open]').getByRole('button', { name: 'Delete' }).click();
    } else {
      await shownRow(title).getByRole('button', { name: /^Delete/ }).click();
    }
    await shownRow(title).waitFor({ state: 'detached' });
  }
  const cellOf = (title, column, text) => until(async () => {
    const line = shownRow(title);
    const got = onPhone ? await line.innerText() : await line.locator(`td[data-column="${column}"]`).innerText();
    return onPhone ? got.includes(text) : got.trim() === text;
  }, `${title}: ${column} is not ${text}`);
  return { shownRows, shownRow, found, dialog, toast, edit, field, save, closed, remove, cellOf };
}
