// The part of Google's Apps Script services that the script uses, faked as far as it uses them. Each run of a trigger is a
// copy of the script of its own, as at Google; what they share is here. Runs are interleaved by hand: whenever a run sleeps, or
// calls the server, the test may start others, which then run to their end.
//
// Time is the test's. Calls are answered by the plan of the test, or go to a real server, in a child process, for the script
// is synchronous.
import { createHmac, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import vm from 'node:vm';

const CALL = `
const { url, options } = JSON.parse(process.argv[1]);
fetch(url, { method: options.method, body: options.payload, redirect: 'manual',
  headers: { ...options.headers, 'Content-Type': options.contentType } })
  .then((answer) => console.log(answer.status), () => process.exit(1));`;

export class Google {
  constructor(code, { now = Date.now(), spreadsheetId } = {}) {
    Object.assign(this, { code, now, spreadsheetId, cache: new Map(), triggers: [], calls: [], plan: [], slept: [], locked: false, lockTries: 0, log: [] });
    this.whileCalling = () => {}; // runs while a call is on its way
    this.whileSleeping = () => {};
  }

  // run starts a function of the script, as Google does for each event.
  run(name, event) {
    const context = vm.createContext(this.services());
    vm.runInContext(this.code, context);
    return vm.runInContext(name, context)(event);
  }

  services() {
    const google = this;
    class Clock extends Date {
      constructor(...args) { super(...(args.length ? args : [google.now])); }
      static now() { return google.now; }
    }
    const cache = {
      get: (key) => { google.mustHoldLock(); const kept = google.cache.get(key); return kept && google.now < kept.until ? kept.text : null; },
      put: (key, text, seconds) => {
        google.mustHoldLock();
        if (typeof text !== 'string' || text.length > 100 * 1024 || seconds > 21600) throw new Error('Argument too large');
        google.cache.set(key, { text, until: google.now + seconds * 1000 });
      },
      remove: (key) => { google.mustHoldLock(); google.cache.delete(key); },
      removeAll: (keys) => keys.forEach((key) => google.cache.delete(key)),
    };
    return {
      Date: Clock, console: { log: (text) => google.log.push(text) }, JSON, Math: Object.assign(Object.create(Math), { random: () => 0.5 }),
      CacheService: { getScriptCache: () => cache },
      LockService: { getScriptLock: () => {
        let mine = false;
        return {
          tryLock: () => { google.lockTries++; if (google.locked) return false; google.locked = mine = true; return true; },
          releaseLock: () => { if (mine) google.locked = mine = false; },
        };
      } },
      Utilities: {
        Charset: { UTF_8: 'UTF-8' },
        // Google's bytes are signed.
        computeHmacSha256Signature: (text, key) => [...new Int8Array(createHmac('sha256', key).update(text, 'utf8').digest())],
        getUuid: () => randomUUID(),
        sleep: (ms) => {
          if (google.locked) throw new Error('the script sleeps while others wait for its lock');
          google.slept.push(ms); google.now += ms; google.whileSleeping();
        },
      },
      UrlFetchApp: { fetch: (url, options) => google.fetch(url, options) },
      ScriptApp: {
        newTrigger: (handler) => ({ forSpreadsheet: (id) => {
          const on = (type) => ({ create: () => google.triggers.push({ handler, id, type, getHandlerFunction: () => handler }) });
          return { onEdit: () => on('edit'), onChange: () => on('change') };
        } }),
        getProjectTriggers: () => [...google.triggers],
        deleteTrigger: (trigger) => { google.triggers = google.triggers.filter((one) => one !== trigger); },
      },
    };
  }

  mustHoldLock() {
    if (!this.locked) throw new Error('the script touches what runs share without the lock');
  }

  fetch(url, options) {
    if (this.locked) throw new Error('the script calls the server while others wait for its lock');
    const call = { url, options, body: JSON.parse(options.payload), at: this.now };
    this.calls.push(call);
    const next = this.plan.shift() ?? this.otherwise ?? 204;
    this.whileCalling(call);
    this.now += 200;
    let status = next;
    if (next === 'real' || next === 'lost answer') {
      status = Number(execFileSync(process.execPath, ['-e', CALL, JSON.stringify({ url, options })], { encoding: 'utf8' }));
      call.answered = status;
    }
    if (next === 'unreachable' || next === 'lost answer') throw new Error('Address unavailable: ' + url);
    if (!options.muteHttpExceptions && status >= 400) throw new Error('Request failed ' + status);
    return { getResponseCode: () => status };
  }

  // source is the spreadsheet that an event speaks of.
  source(id = this.spreadsheetId) { return { getId: () => id }; }

  // edit is the event of onEdit.
  edit({ sheet, rows: [first, last], user = 'ann@example.com', spreadsheet }) {
    return {
      source: this.source(spreadsheet), user: { getEmail: () => user },
      range: { getSheet: () => ({ getSheetId: () => sheet }), getRow: () => first, getLastRow: () => last ?? first },
    };
  }

  // change is the event of onChange.
  change(changeType, { spreadsheet, user = 'ann@example.com' } = {}) {
    return { source: this.source(spreadsheet), changeType, user: { getEmail: () => user } };
  }
}
