// Tries Code.gs, as a server filled it in, against fakes of Google's services: node --test script.test.mjs, with
// TANDEM_SCRIPT naming the file, and TANDEM_REAL=1 when that server runs and takes calls.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import { Google } from './google.mjs';

const code = readFileSync(process.env.TANDEM_SCRIPT, 'utf8');
const settings = JSON.parse(/const TANDEM = (\{[^]*?\n\});/.exec(code)[1]);
const sheet = settings.sheetId;
const begin = () => new Google(code, { spreadsheetId: settings.spreadsheetId });
const rows = (google) => google.calls.map((call) => call.body.rows);

test('an edit is told with its rows, time and user, and signed', () => {
  const google = begin();
  const at = google.now;
  google.run('onTandemEdit', google.edit({ sheet, rows: [3, 5] }));
  assert.equal(google.calls.length, 1);
  const { url, options, body } = google.calls[0];
  assert.equal(url, settings.url);
  assert.deepEqual(body, { at: new Date(at).toISOString(), rows: [3, 4, 5], user: 'ann@example.com' });
  const stamp = options.headers['X-Tandem-Timestamp'];
  assert.equal(stamp, String(Math.floor(at / 1000)));
  const mac = createHmac('sha256', settings.secret).update(stamp + '.' + options.payload).digest('hex');
  assert.equal(options.headers['X-Tandem-Signature'], 'sha256=' + mac);
  assert.equal(options.method, 'post');
  assert.equal(options.contentType, 'application/json');
});

test('a user whom Google does not name is left out', () => {
  const google = begin();
  google.run('onTandemEdit', google.edit({ sheet, rows: [3], user: '' }));
  const nobody = google.edit({ sheet, rows: [4] });
  nobody.user = { getEmail() { throw new Error('You do not have permission'); } };
  google.run('onTandemEdit', nobody);
  delete nobody.user;
  google.run('onTandemEdit', nobody);
  assert.deepEqual(google.calls.map((call) => 'user' in call.body), [false, false, false]);
});

test('edits elsewhere are not told', () => {
  const google = begin();
  google.run('onTandemEdit', google.edit({ sheet: sheet + 1, rows: [3] }));
  google.run('onTandemEdit', undefined); // run by hand in the editor
  assert.equal(google.calls.length, 0);
});

test('a copy of the spreadsheet does not speak for the original', () => {
  const google = begin();
  google.run('onTandemEdit', google.edit({ sheet, rows: [3], spreadsheet: 'a-copy' }));
  google.run('onTandemChange', google.change('INSERT_ROW', { spreadsheet: 'a-copy' }));
  assert.equal(google.calls.length, 0);
});

test('changes without rows are told as the whole tab', () => {
  for (const type of ['INSERT_ROW', 'REMOVE_ROW', 'INSERT_COLUMN', 'REMOVE_COLUMN', 'INSERT_GRID', 'REMOVE_GRID', 'OTHER', 'NEW_IN_2030']) {
    const google = begin();
    google.run('onTandemChange', google.change(type));
    assert.deepEqual(rows(google), [undefined], type);
    assert.equal(google.calls[0].body.user, 'ann@example.com');
  }
});

test('what onEdit tells with its rows, and formats, are not told by onChange', () => {
  const google = begin();
  google.run('onTandemChange', google.change('EDIT'));
  google.run('onTandemChange', google.change('FORMAT'));
  assert.equal(google.calls.length, 0);
});

test('many rows, and the header, are the whole tab', () => {
  const google = begin();
  google.run('onTandemEdit', google.edit({ sheet, rows: [2, settings.maxRows + 1] }));
  google.run('onTandemEdit', google.edit({ sheet, rows: [2, settings.maxRows + 2] }));
  google.run('onTandemEdit', google.edit({ sheet, rows: [settings.headerRow, settings.headerRow + 1] }));
  assert.deepEqual(rows(google).map((list) => list && list.length), [settings.maxRows, undefined, undefined]);
});

test('rapid edits go along with the next call', () => {
  const google = begin();
  let first = true;
  google.whileCalling = () => {
    if (!first) return;
    first = false;
    // While the first call is on its way, nine more edits come, each in a run of its own.
    for (let n = 0; n < 9; n++) {
      google.now += 50;
      google.run('onTandemEdit', google.edit({ sheet, rows: [10 + n % 4] }));
    }
  };
  google.run('onTandemEdit', google.edit({ sheet, rows: [2] }));
  assert.deepEqual(rows(google), [[2], [10, 11, 12, 13]]);
  assert.equal(google.locked, false);
});

test('edits of two people, or far apart, stay apart', () => {
  const google = begin();
  let first = true;
  const began = google.now;
  google.whileCalling = () => {
    if (!first) return;
    first = false;
    google.run('onTandemEdit', google.edit({ sheet, rows: [3], user: 'bob@example.com' }));
    google.now += 500;
    google.run('onTandemEdit', google.edit({ sheet, rows: [4], user: 'bob@example.com' }));
    google.now += 5000;
    google.run('onTandemEdit', google.edit({ sheet, rows: [5], user: 'bob@example.com' }));
    google.run('onTandemEdit', google.edit({ sheet, rows: [6] }));
  };
  google.run('onTandemEdit', google.edit({ sheet, rows: [2] }));
  assert.deepEqual(google.calls.map(({ body }) => [body.user[0], body.rows, Date.parse(body.at) - began]),
    [['a', [2], 0], ['b', [3, 4], 500], ['b', [5], 5500], ['a', [6], 5500]]);
});

test('a rowless hint among rapid edits makes them the whole tab', () => {
  const google = begin();
  let first = true;
  google.whileCalling = () => {
    if (!first) return;
    first = false;
    google.run('onTandemEdit', google.edit({ sheet, rows: [3] }));
    google.run('onTandemChange', google.change('REMOVE_ROW'));
    google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
  };
  google.run('onTandemEdit', google.edit({ sheet, rows: [2] }));
  assert.deepEqual(rows(google), [[2], undefined]);
});

test('a run whose turn at the lock does not come sends its hint by itself', () => {
  const google = begin();
  google.locked = true; // by a run that Google forgot
  const fetch = google.fetch.bind(google);
  google.fetch = (url, options) => { google.locked = false; const answer = fetch(url, options); google.locked = true; return answer; };
  google.run('onTandemEdit', google.edit({ sheet, rows: [7] }));
  assert.deepEqual(rows(google), [[7]]);
  assert.equal(google.lockTries, 1);
});

test('failures are tried again, each time longer after', () => {
  const google = begin();
  google.plan = [503, 'unreachable', 429, 500, 204];
  google.run('onTandemEdit', google.edit({ sheet, rows: [3] }));
  assert.deepEqual(rows(google), [[3], [3], [3], [3], [3]]);
  assert.equal(google.slept.length, 4);
  for (let n = 1; n < 4; n++) assert.ok(google.slept[n] > 1.5 * google.slept[n - 1], String(google.slept));
  assert.ok(google.slept[0] > 1000);
  const signatures = new Set(google.calls.map((call) => call.options.headers['X-Tandem-Signature']));
  assert.equal(signatures.size, 5, 'a call that is made again must not look like a replay');
  assert.equal(new Set(google.calls.map((call) => call.body.at)).size, 1, 'the edit was when it was');
});

test('edits that come while a call is tried again are sent after it', () => {
  const google = begin();
  google.plan = [503, 503, 204, 204];
  let edits = 0;
  google.whileSleeping = () => google.run('onTandemEdit', google.edit({ sheet, rows: [20 + edits++] }));
  google.run('onTandemEdit', google.edit({ sheet, rows: [3] }));
  assert.deepEqual(rows(google), [[3], [3], [3], [20], [21]]); // the pauses lie between them
});

test('a refusal is not tried again, and shows', () => {
  for (const status of [401, 400, 404, 413]) {
    const google = begin();
    google.plan = [status];
    assert.throws(() => google.run('onTandemEdit', google.edit({ sheet, rows: [3] })), new RegExp(String(status)));
    assert.equal(google.calls.length, 1);
    google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
    assert.deepEqual(rows(google), [[3], [4]], 'what was refused is not sent along later');
  }
});

test('what does not arrive waits for the next edit', () => {
  const google = begin();
  google.otherwise = 'unreachable';
  assert.throws(() => google.run('onTandemEdit', google.edit({ sheet, rows: [3] })), /cannot be reached/);
  const tries = google.calls.length;
  assert.ok(tries >= 4 && tries <= 8, String(tries));
  google.otherwise = 204;
  google.now += 60 * 1000;
  google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
  assert.deepEqual(rows(google).slice(tries), [[3], [4]]);
});

test('what waits does not grow for ever', () => {
  const google = begin();
  google.otherwise = 'unreachable';
  for (let n = 0; n < 120; n++) {
    google.now += 60 * 1000;
    assert.throws(() => google.run('onTandemEdit', google.edit({ sheet, rows: [2 + n, 401 + n] })));
  }
  const failed = google.calls.length;
  google.otherwise = 204;
  google.now += 60 * 1000;
  google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
  const sent = google.calls.slice(failed);
  assert.ok(sent.length <= 50, String(sent.length));
  assert.ok(sent.some((call) => call.body.rows === undefined), 'one of them means the whole tab');
});

test('a sender that Google ended is replaced', () => {
  const google = begin();
  google.plan = [503];
  google.whileSleeping = () => { throw new Error('Exceeded maximum execution time'); };
  // Google ends a run without letting it clean up; the fake does so by breaking every service it would use.
  const services = google.services.bind(google);
  google.services = () => { const all = services(); const lock = all.LockService.getScriptLock;
    all.LockService.getScriptLock = () => { if (google.slept.length) throw new Error('ended'); return lock(); }; return all; };
  assert.throws(() => google.run('onTandemEdit', google.edit({ sheet, rows: [3] })));
  google.services = services;
  google.whileSleeping = () => {};
  google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
  assert.deepEqual(rows(google), [[3]], 'the other one may still be at it');
  google.now += 2 * 60 * 1000;
  google.run('onTandemEdit', google.edit({ sheet, rows: [5] }));
  assert.deepEqual(rows(google).slice(1).flat(), [4, 5]);
});

test('install makes two triggers, once, and tries the way', () => {
  const google = begin();
  google.triggers.push({ getHandlerFunction: () => 'somebodyElses' });
  google.run('install');
  google.run('install');
  assert.deepEqual(google.triggers.map((one) => [one.handler, one.type, one.id]), [[undefined, undefined, undefined],
    ['onTandemEdit', 'edit', settings.spreadsheetId], ['onTandemChange', 'change', settings.spreadsheetId]]);
  assert.deepEqual(rows(google), [undefined, undefined]);
  assert.match(google.log[0], /answered/);
  google.plan = [401];
  assert.throws(() => google.run('install'), /anew/);
  google.run('uninstall');
  assert.equal(google.triggers.length, 1);
});

test('the server that made the script takes its calls', { skip: !process.env.TANDEM_REAL }, () => {
  const google = begin();
  google.otherwise = 'real';
  google.run('install');
  google.run('onTandemEdit', google.edit({ sheet, rows: [2, 3], user: 'zoë@example.com' }));
  google.run('onTandemChange', google.change('REMOVE_ROW'));
  google.plan = ['lost answer'];
  google.run('onTandemEdit', google.edit({ sheet, rows: [4] }));
  assert.deepEqual(google.calls.map((call) => call.answered), [204, 204, 204, 204, 204]);
  google.now += 10 * 60 * 1000;
  assert.throws(() => google.run('onTandemEdit', google.edit({ sheet, rows: [5] })), /401/);
});
