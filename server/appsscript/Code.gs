/**
 * Tells Tandem that somebody edited a sheet: which rows, when, and who. What the cells hold is never sent; the server reads
 * the rows itself. A call that is lost only means that the server notices later.
 *
 * Run install() once. This file is filled in for one link; take it anew when the link's secret was rotated.
 */
const TANDEM = {};

// How often a call is tried, and how long the first pause is; each further one is twice as long.
const TANDEM_TRIES = 6;
const TANDEM_PAUSE_MS = 1000;
// Edits of one person within this time become one hint.
const TANDEM_TOGETHER_MS = 2000;
// Hints that may wait while the server does not answer. More of them become one: look at the whole tab.
const TANDEM_WAITING = 50;
// A sender that has not been heard of for so long was ended by Google.
const TANDEM_SENDER_MS = 90 * 1000;
const TANDEM_QUEUE = 'tandem.queue';
const TANDEM_SENDER = 'tandem.sender';

/** Makes the two triggers, and tries the way to the server. */
function install() {
  uninstall();
  ScriptApp.newTrigger('onTandemEdit').forSpreadsheet(TANDEM.spreadsheetId).onEdit().create();
  ScriptApp.newTrigger('onTandemChange').forSpreadsheet(TANDEM.spreadsheetId).onChange().create();
  const problem = tandemSend_({at: Date.now()}, () => null);
  if (problem) throw new Error('The triggers are in place, but ' + problem.message);
  console.log('The server answered. Edits in the sheet reach it at once from now on.');
}

/** Takes the triggers of this project away. */
function uninstall() {
  ScriptApp.getProjectTriggers().forEach((trigger) => {
    if (['onTandemEdit', 'onTandemChange'].includes(trigger.getHandlerFunction())) ScriptApp.deleteTrigger(trigger);
  });
  CacheService.getScriptCache().removeAll([TANDEM_QUEUE, TANDEM_SENDER]);
}

/** Runs after a person changed cells. */
function onTandemEdit(e) {
  const at = Date.now();
  if (!tandemIsOurs_(e) || !e.range) return;
  if (e.range.getSheet().getSheetId() !== TANDEM.sheetId) return; // another tab
  const first = e.range.getRow();
  const last = e.range.getLastRow();
  const hint = {at: at, user: tandemUser_(e)};
  // The headers matter to every row, and more rows than a hint may name are as good as all.
  if (first > TANDEM.headerRow && last - first < TANDEM.maxRows) {
    hint.rows = [];
    for (let row = first; row <= last; row++) hint.rows.push(row);
  }
  tandemTell_(hint);
}

/** Runs after rows or columns were inserted, deleted, moved or sorted, too. Google does not say which. */
function onTandemChange(e) {
  const at = Date.now();
  if (!tandemIsOurs_(e)) return;
  if (e.changeType === 'EDIT' || e.changeType === 'FORMAT') return; // onTandemEdit knows the rows; formats are not ours
  tandemTell_({at: at, user: tandemUser_(e)});
}

/** A copy of the spreadsheet may carry this script along. It must not speak for the original. */
function tandemIsOurs_(e) {
  return Boolean(e && e.source) && e.source.getId() === TANDEM.spreadsheetId;
}

/** Google tells who edited only to some scripts, mostly within one organisation. */
function tandemUser_(e) {
  try {
    return (e.user && e.user.getEmail()) || '';
  } catch (refused) {
    return '';
  }
}

/**
 * Puts a hint in the queue and, unless another run is at it already, sends the queue. Every edit runs by itself, many at a
 * time; so the first one sends, and what comes meanwhile goes along with its next call.
 */
function tandemTell_(hint) {
  const role = tandemLocked_((cache) => {
    tandemPut_(cache, [hint]);
    return tandemSenderAlive_(cache) ? 'another' : tandemBecomeSender_(cache);
  });
  if (role === null) { // so many edits that the lock was not to be had: rather one call too many
    const problem = tandemSend_(hint, () => null);
    if (problem) throw problem;
    return;
  }
  if (role === 'another') return;
  try {
    tandemSendAll_(role);
  } catch (problem) {
    // Whoever edits next sends what waits. The failure shows among the executions of this project.
    tandemLocked_((cache) => { if (cache.get(TANDEM_SENDER) === null || tandemIsSender_(cache, role)) cache.remove(TANDEM_SENDER); });
    throw problem;
  }
}

/** Sends until nothing waits. That nothing does is seen under the lock under which others look for a sender. */
function tandemSendAll_(role) {
  for (;;) {
    const hints = tandemLocked_((cache) => {
      const waiting = tandemTake_(cache);
      if (waiting.length === 0) {
        if (tandemIsSender_(cache, role)) cache.remove(TANDEM_SENDER);
      } else {
        tandemRenewSender_(cache, role);
      }
      return waiting;
    });
    if (hints === null || hints.length === 0) return;
    for (let i = 0; i < hints.length; i++) {
      const problem = tandemSend_(hints[i], () => tandemLocked_((cache) => tandemRenewSender_(cache, role)));
      if (!problem) continue;
      if (problem.again) tandemLocked_((cache) => tandemPut_(cache, hints.slice(i)));
      throw problem;
    }
  }
}

/** Sends one hint, several times if need be. Returns null, or why it did not arrive. */
function tandemSend_(hint, beforePause) {
  const body = {at: new Date(hint.at).toISOString()};
  if (hint.rows) body.rows = hint.rows;
  if (hint.user) body.user = hint.user;
  const payload = JSON.stringify(body);
  let problem = null;
  for (let attempt = 0; attempt < TANDEM_TRIES; attempt++) {
    if (attempt > 0) {
      beforePause();
      // Longer than a second: the signature must not be that of the call before, which may have arrived.
      Utilities.sleep(TANDEM_PAUSE_MS * Math.pow(2, attempt - 1) * (1 + Math.random() / 4) + 1);
    }
    problem = tandemCall_(payload);
    if (problem === null || !problem.again) return problem;
  }
  return problem;
}

/** Makes one call, signed for this moment. */
function tandemCall_(payload) {
  const stamp = String(Math.floor(Date.now() / 1000));
  const bytes = Utilities.computeHmacSha256Signature(stamp + '.' + payload, TANDEM.secret, Utilities.Charset.UTF_8);
  const signature = bytes.map((byte) => ('0' + (byte & 255).toString(16)).slice(-2)).join('');
  let code = 0;
  try {
    code = UrlFetchApp.fetch(TANDEM.url, {
      method: 'post',
      contentType: 'application/json',
      payload: payload,
      headers: {'X-Tandem-Timestamp': stamp, 'X-Tandem-Signature': 'sha256=' + signature},
      muteHttpExceptions: true,
      followRedirects: false,
    }).getResponseCode();
  } catch (unreachable) {
    return tandemProblem_('the server cannot be reached: ' + unreachable.message, true);
  }
  if (code >= 200 && code < 300) return null;
  if (code === 401) return tandemProblem_('the server does not accept the signature (401): install the script of the link "' + TANDEM.link + '" anew', false);
  return tandemProblem_('the server answered ' + code, code === 408 || code === 429 || code >= 500);
}

function tandemProblem_(message, again) {
  const problem = new Error(message);
  problem.again = again;
  return problem;
}

/** Does something that no other run does at the same time; null when its turn did not come. */
function tandemLocked_(work) {
  const lock = LockService.getScriptLock();
  if (!lock.tryLock(20 * 1000)) return null;
  try {
    return work(CacheService.getScriptCache());
  } finally {
    lock.releaseLock();
  }
}

/** Adds hints to those that wait. Edits that follow one another become one hint, dated by the last of them. */
function tandemPut_(cache, hints) {
  const waiting = JSON.parse(cache.get(TANDEM_QUEUE) || '[]');
  hints.forEach((hint) => {
    const last = waiting[waiting.length - 1];
    if (!last || last.user !== hint.user || Math.abs(hint.at - last.at) > TANDEM_TOGETHER_MS) {
      waiting.push(hint);
      return;
    }
    last.at = Math.max(last.at, hint.at);
    last.rows = last.rows && hint.rows && tandemUnion_(last.rows, hint.rows);
    if (!last.rows || last.rows.length > TANDEM.maxRows) delete last.rows;
  });
  let text = JSON.stringify(waiting);
  if (waiting.length > TANDEM_WAITING || text.length > 90000) text = JSON.stringify([{at: waiting[waiting.length - 1].at}]);
  cache.put(TANDEM_QUEUE, text, 6 * 60 * 60);
}

function tandemUnion_(a, b) {
  return Array.from(new Set(a.concat(b))).sort((x, y) => x - y);
}

/** Takes all hints that wait. */
function tandemTake_(cache) {
  const waiting = JSON.parse(cache.get(TANDEM_QUEUE) || '[]');
  cache.remove(TANDEM_QUEUE);
  return waiting;
}

function tandemSenderAlive_(cache) {
  const sender = JSON.parse(cache.get(TANDEM_SENDER) || 'null');
  return sender !== null && Date.now() < sender.until;
}

function tandemBecomeSender_(cache) {
  const role = Utilities.getUuid();
  tandemRenewSender_(cache, role);
  return role;
}

function tandemRenewSender_(cache, role) {
  cache.put(TANDEM_SENDER, JSON.stringify({role: role, until: Date.now() + TANDEM_SENDER_MS}), 600);
}

function tandemIsSender_(cache, role) {
  const sender = JSON.parse(cache.get(TANDEM_SENDER) || 'null');
  return sender !== null && sender.role === role;
}
