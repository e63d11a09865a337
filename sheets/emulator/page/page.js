'use strict';

// The page shows one tab of one spreadsheet and edits it as a person would. What it knows of the sheet comes
// from the server alone; after every event it reads the rows on show anew.

const $ = (id) => document.getElementById(id);
const state = { id: '', sheet: '', view: null, row: 1, col: 0, count: 100, events: null, asked: 0 };

const letters = (c) => {
  let out = '';
  for (c += 1; c > 0; c = Math.floor((c - 1) / 26)) out = String.fromCharCode(65 + ((c - 1) % 26)) + out;
  return out;
};
const address = () => letters(state.col) + state.row;

async function call(method, path, body) {
  const answer = await fetch(path, {
    method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body),
  });
  const data = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(data.error.message);
  return data;
}

// edit sends edits; the event that follows brings the result, but the page reads at once all the same.
async function edit(...edits) {
  $('message').textContent = '';
  try {
    await call('POST', `/emulator/spreadsheets/${encodeURIComponent(state.id)}/edits`, { edits });
  } catch (err) {
    $('message').textContent = err.message;
  }
  await load();
}

async function listBooks() {
  const { spreadsheets } = await call('GET', '/emulator/spreadsheets');
  const wanted = new URLSearchParams(location.hash.slice(1));
  $('books').replaceChildren(...spreadsheets.map((s) => new Option(s.title, s.id)));
  if (!spreadsheets.length) {
    $('live').textContent = 'no spreadsheets yet: make one through the API, then reload';
    return;
  }
  const known = spreadsheets.some((s) => s.id === wanted.get('id'));
  await open(known ? wanted.get('id') : spreadsheets[0].id, wanted.get('sheet') || '');
}

async function open(id, sheet) {
  Object.assign(state, { id, sheet, row: 1, col: 0, count: 100, view: null });
  $('books').value = id;
  await load();
  watch();
}

function watch() {
  if (state.events) state.events.close();
  state.events = new EventSource(`/emulator/spreadsheets/${encodeURIComponent(state.id)}/events`);
  state.events.addEventListener('ready', () => { $('live').textContent = 'live'; load(); });
  state.events.addEventListener('change', () => load());
  state.events.onerror = () => { $('live').textContent = 'connecting…'; };
}

async function load() {
  const asked = ++state.asked;
  const query = new URLSearchParams({ sheet: state.sheet, from: 1, count: state.count });
  let view;
  try {
    view = await call('GET', `/emulator/spreadsheets/${encodeURIComponent(state.id)}?${query}`);
  } catch (err) {
    $('message').textContent = err.message;
    return;
  }
  if (asked !== state.asked) return; // a later reading is on its way
  const before = state.view && state.view.sheet === view.sheet ? state.view : null;
  state.view = view;
  state.sheet = view.sheet;
  location.replace('#' + new URLSearchParams({ id: view.id, sheet: view.sheet }));
  document.title = view.title;
  for (const option of $('books').options) if (option.value === view.id) option.text = view.title;
  drawTabs();
  drawGrid(before);
  select(state.row, state.col, false);
}

function drawTabs() {
  $('tabs').replaceChildren(...state.view.tabs.filter((t) => !t.hidden || t.title === state.sheet).map((t) => {
    const b = document.createElement('button');
    b.textContent = t.title;
    b.setAttribute('role', 'tab');
    b.setAttribute('aria-selected', String(t.title === state.sheet));
    b.onclick = () => { state.sheet = t.title; state.row = 1; state.col = 0; state.count = 100; state.view = null; load(); };
    return b;
  }));
}

const cellAt = (view, r, c) => (view && view.cells[r] && view.cells[r][c]) || { t: '' };

function size() {
  const v = state.view;
  const used = Math.max(0, ...v.cells.map((row) => row.length));
  return { rows: Math.min(v.rows, state.count, v.lastRow + 20), cols: Math.min(v.columns, Math.max(used + 2, 8)) };
}

// drawGrid keeps the table that is there when it has the right size, and changes only cells that differ, so that
// scrolling, the selection and screen readers are left in peace.
function drawGrid(before) {
  const { rows, cols } = size();
  const grid = $('grid');
  if (!grid.tBodies.length || grid.tBodies[0].rows.length !== rows || grid.tHead.rows[0].cells.length !== cols + 1) {
    const line = (tag, head, tags) => {
      const tr = document.createElement('tr');
      const th = document.createElement('th');
      th.textContent = head;
      tr.append(th, ...tags);
      return tr;
    };
    const fill = (tag, text) => Array.from({ length: cols }, (_, c) => {
      const e = document.createElement(tag);
      if (text) e.textContent = letters(c);
      else e.setAttribute('role', 'gridcell');
      return e;
    });
    const thead = document.createElement('thead');
    thead.append(line('th', '', fill('th', true)));
    const tbody = document.createElement('tbody');
    for (let r = 0; r < rows; r++) tbody.append(line('td', r + 1, fill('td')));
    grid.replaceChildren(thead, tbody);
    before = null;
  }
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) drawCell(r, c, before);
  }
  more(rows);
}

function drawCell(r, c, before) {
  const td = $('grid').tBodies[0].rows[r].cells[c + 1];
  const now = cellAt(state.view, r, c);
  if (td.textContent !== now.t) {
    td.textContent = now.t;
    if (before) {
      td.classList.add('fresh');
      setTimeout(() => td.classList.remove('fresh'), 900);
    }
  }
  for (const kind of ['number', 'bool', 'error']) td.classList.toggle(kind, now.k === kind);
  td.style.backgroundColor = now.c || '';
  td.style.color = now.c ? '#1c1f23' : '';
  if (now.n) td.title = now.n; else td.removeAttribute('title');
}

function more(rows) {
  let button = $('more');
  if (button) button.remove();
  if (state.view.lastRow <= rows) return;
  button = document.createElement('button');
  button.id = 'more';
  button.textContent = `Show more of ${state.view.lastRow} rows`;
  button.onclick = () => { state.count = Math.min(5000, state.count + 500); load(); };
  if (state.count < 5000) $('scroll').append(button);
}

function select(row, col, scroll = true) {
  const { rows, cols } = size();
  state.row = Math.max(1, Math.min(row, rows));
  state.col = Math.max(0, Math.min(col, cols - 1));
  for (const td of $('grid').querySelectorAll('[aria-selected=true]')) td.removeAttribute('aria-selected');
  const td = $('grid').tBodies[0].rows[state.row - 1].cells[state.col + 1];
  td.setAttribute('aria-selected', 'true');
  td.id = td.id || `cell-${address()}`;
  $('grid').setAttribute('aria-activedescendant', td.id);
  if (scroll) td.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  $('name').textContent = address();
  if (document.activeElement !== $('input')) show();
}

function show() {
  const c = cellAt(state.view, state.row - 1, state.col);
  $('input').value = c.i || c.t;
}

async function commit(down, right) {
  const at = { sheet: state.sheet, a1: address(), input: $('input').value };
  const c = cellAt(state.view, state.row - 1, state.col);
  $('grid').focus();
  select(state.row + down, state.col + right);
  if (at.input === (c.i || c.t)) return;
  await edit(at.input === '' ? { clear: { sheet: at.sheet, a1: at.a1 } } : { setCell: at });
}

$('grid').addEventListener('click', (e) => {
  const td = e.target.closest('td');
  if (!td) return;
  select(td.parentNode.rowIndex, td.cellIndex - 1);
  $('grid').focus();
});
$('grid').addEventListener('dblclick', () => { show(); $('input').focus(); });

$('grid').addEventListener('keydown', (e) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
  if (step) select(state.row + step[0], state.col + step[1]);
  else if (e.key === 'Enter' || e.key === 'F2') { show(); $('input').focus(); }
  else if (e.key === 'Delete' || e.key === 'Backspace') edit({ clear: { sheet: state.sheet, a1: address() } });
  else if ((e.ctrlKey || e.metaKey) && e.key === 'z') edit({ undo: {} });
  else if (e.key.length === 1 && !e.ctrlKey && !e.metaKey && !e.altKey) { $('input').value = e.key; $('input').focus(); }
  else return;
  e.preventDefault();
});

$('grid').addEventListener('paste', (e) => {
  const text = e.clipboardData.getData('text/plain').replace(/\r?\n$/, '');
  if (!text) return;
  e.preventDefault();
  edit({ paste: { sheet: state.sheet, a1: address(), values: text.split(/\r?\n/).map((l) => l.split('\t')) } });
});

$('input').addEventListener('keydown', (e) => {
  if (e.key === 'Tab') { e.preventDefault(); commit(0, e.shiftKey ? -1 : 1); }
  if (e.key === 'Escape') { show(); $('grid').focus(); }
});
$('bar').addEventListener('submit', (e) => { e.preventDefault(); commit(1, 0); });
$('books').addEventListener('change', () => open($('books').value, ''));
$('insert').onclick = () => edit({ insertRows: { sheet: state.sheet, start: state.row, count: 1 } });
$('delete').onclick = () => edit({ deleteRows: { sheet: state.sheet, start: state.row, count: 1 } });
$('up').onclick = () => edit({ sort: { sheet: state.sheet, column: letters(state.col), descending: false } });
$('down').onclick = () => edit({ sort: { sheet: state.sheet, column: letters(state.col), descending: true } });
$('undo').onclick = () => edit({ undo: {} });

listBooks();
