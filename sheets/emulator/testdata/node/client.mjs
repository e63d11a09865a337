// Drives the usual calls of Google's own Node client. Only the root URL is changed.
import assert from 'node:assert/strict';
import { google } from 'googleapis';

const rootUrl = process.argv[2];
const auth = new google.auth.OAuth2();
auth.setCredentials({ access_token: 'any' });
const sheets = google.sheets({ version: 'v4', auth, rootUrl, retry: false });
const drive = google.drive({ version: 'v3', auth, rootUrl, retry: false });

const created = await sheets.spreadsheets.create({ requestBody: { properties: { title: 'From Node' } } });
const spreadsheetId = created.data.spreadsheetId;
assert.equal(created.data.sheets[0].properties.title, 'Sheet1');

const update = await sheets.spreadsheets.values.update({
  spreadsheetId, range: 'Sheet1!A1:C2', valueInputOption: 'USER_ENTERED',
  requestBody: { values: [['id', 'day', 'sum'], [1, '2020-01-01', '=A2+1']] },
});
assert.equal(update.data.updatedCells, 6);

const append = await sheets.spreadsheets.values.append({
  spreadsheetId, range: 'Sheet1!A1', valueInputOption: 'RAW', insertDataOption: 'INSERT_ROWS',
  requestBody: { values: [[2, 'x', null]] },
});
assert.equal(append.data.tableRange, 'Sheet1!A1:C2');
assert.equal(append.data.updates.updatedRange, 'Sheet1!A3:B3');

const got = await sheets.spreadsheets.values.get({ spreadsheetId, range: 'Sheet1', valueRenderOption: 'UNFORMATTED_VALUE' });
assert.deepEqual(got.data.values, [['id', 'day', 'sum'], [1, 43831, 2], [2, 'x']]);

const many = await sheets.spreadsheets.values.batchGet({ spreadsheetId, ranges: ['A1:A3', 'Sheet1!B2'] });
assert.deepEqual(many.data.valueRanges[1].values, [['2020-01-01']]);

const batch = await sheets.spreadsheets.batchUpdate({
  spreadsheetId, fields: 'replies,updatedSpreadsheet(sheets(properties(title),data(rowData(values(formattedValue)))))',
  requestBody: {
    requests: [
      { addSheet: { properties: { title: 'Second sheet', hidden: true } } },
      { deleteDimension: { range: { sheetId: 0, dimension: 'ROWS', startIndex: 1, endIndex: 2 } } },
    ],
    includeSpreadsheetInResponse: true, responseRanges: ['Sheet1!A1:B2'],
  },
});
assert.equal(batch.data.replies[0].addSheet.properties.title, 'Second sheet');
assert.equal(batch.data.updatedSpreadsheet.sheets[0].data[0].rowData[1].values[0].formattedValue, '2');

await assert.rejects(sheets.spreadsheets.values.get({ spreadsheetId, range: 'Nope!A1' }), (e) => {
  assert.equal(e.code, 400);
  assert.match(e.message, /Unable to parse range: Nope!A1/);
  return true;
});
await assert.rejects(sheets.spreadsheets.get({ spreadsheetId: 'missing' }), { code: 404 });

const file = await drive.files.get({ fileId: spreadsheetId, fields: 'name,modifiedTime,version' });
assert.equal(file.data.name, 'From Node');
const token = (await drive.changes.getStartPageToken()).data.startPageToken;
await sheets.spreadsheets.values.clear({ spreadsheetId, range: 'A1' });
const changes = await drive.changes.list({ pageToken: token });
assert.deepEqual(changes.data.changes.map((c) => c.fileId), [spreadsheetId]);
await drive.files.delete({ fileId: spreadsheetId });
await assert.rejects(sheets.spreadsheets.get({ spreadsheetId }), { code: 404 });
console.log('ok');
