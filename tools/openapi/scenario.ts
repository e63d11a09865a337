// The end-to-end scenario with the client that is generated from gen/openapi.yaml: link a table and a tab, bring them in
// step, list, write with etags, send a queue twice, decide a conflict, go back. server/typescript_test.go runs it against a
// running server:
//
//     node generated/js/scenario.js http://127.0.0.1:8080 http://127.0.0.1:8090 SPREADSHEET
//
// The table `films` has 250 rows with the ids 1 to 250, `title` VARCHAR, `price` DECIMAL(8,2), `votes` BIGINT, `seen` BOOLEAN and
// `note` TEXT; the spreadsheet has an empty tab `Films`.
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/tandem.js';

declare const process: { argv: string[]; exitCode?: number };

type Row = components['schemas']['Row'];
type Status = components['schemas']['Status'];
type Conflict = components['schemas']['Conflict'];
type Source = 'database' | 'sheet';

const [baseUrl, google, spreadsheetId] = process.argv.slice(2);
if (baseUrl === undefined || google === undefined || spreadsheetId === undefined) throw new Error('say where Tandem and the emulator are, and the spreadsheet');
const client = createClient<paths>({ baseUrl });
const link = 'films';

function check(holds: boolean, what: string, ...seen: unknown[]): asserts holds {
  if (!holds) throw new Error(`${what}: ${seen.map((value) => JSON.stringify(value)).join(', ')}`);
}

// answered returns the data of an answer that must not be an error.
async function answered<T>(call: Promise<{ data?: T; error?: Status; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  check(data !== undefined && error === undefined, `status ${response.status} of ${response.url}`, error);
  return data;
}

// eventually repeats a look until it finds something.
async function eventually<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (const began = Date.now(); Date.now() - began < 60_000; ) {
    const found = await attempt();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen within a minute`);
}

const side = (source: Source) => ({ path: { link, source } });
const place = (source: Source, row: string) => ({ path: { link, source, row } });

const look = (source: Source, row: string) => {
  const query = source === 'sheet' ? { maxStaleness: '0s' } : {};
  return client.GET('/v1/links/{link}/sources/{source}/rows/{row}', { params: { ...place(source, row), query } });
};

const getRow = (source: Source, row: string): Promise<Row> => answered(look(source, row));

// arrived waits until a row of a side holds the values.
async function arrived(source: Source, row: string, values: Record<string, unknown>): Promise<Row> {
  return eventually(`row ${row} of the ${source} holding ${JSON.stringify(values)}`, async () => {
    const { data, error } = await look(source, row);
    check(error === undefined || error.code === 5, `row ${row} of the ${source}`, error); // 5 is NOT_FOUND
    return data && Object.entries(values).every(([column, value]) => data.values?.[column] === value) ? data : undefined;
  });
}

async function linkAndSync(): Promise<void> {
  const made = await answered(client.POST('/v1/links', {
    params: { query: { linkId: link } },
    body: { table: 'films', spreadsheetId: spreadsheetId!, tab: 'Films', conflictPolicy: 'MANUAL', displayName: 'Films' },
  }));
  check(made.name === 'links/films' && made.state === 'NEW', 'the link that was made', made);
  let operation = await answered(client.POST('/v1/links/{link}:initialSync', { params: { path: { link } }, body: {} }));
  check(operation.name !== undefined, 'an operation without a name', operation);
  const path = { operation: operation.name.replace('operations/', '') };
  while (!operation.done) {
    operation = await answered(client.POST('/v1/operations/{operation}:wait', { params: { path }, body: { timeout: '10s' } }));
  }
  const result = operation.response as components['schemas']['InitialSyncResponse'] | undefined;
  check(operation.error === undefined && result?.counts?.insertSheet === 250, 'the initial sync', operation);
  const found = await answered(client.GET('/v1/links', { params: { query: { pageSize: 10 } } }));
  check(found.links?.length === 1 && found.links[0]?.state === 'ACTIVE', 'the links', found);
}

// list pages through a side and returns its keys.
async function list(source: Source): Promise<string[]> {
  const keys: string[] = [];
  let pageToken = '';
  do {
    const query = { pageSize: 40, pageToken, showTotal: true };
    const page = await answered(client.GET('/v1/links/{link}/sources/{source}/rows', { params: { ...side(source), query } }));
    check(page.totalSize === 250 && (page.rows?.length ?? 0) <= 40, 'a page', page.totalSize, page.rows?.length);
    for (const row of page.rows ?? []) keys.push(decodeURIComponent(row.name!.split('/').pop()!));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return keys;
}

async function listBothSides(): Promise<void> {
  for (const source of ['database', 'sheet'] as const) {
    const keys = await list(source);
    check(keys.length === 250 && new Set(keys).size === 250 && keys.includes('1') && keys.includes('250'), `the keys of the ${source}`, keys);
  }
}

async function writeRows(): Promise<void> {
  // 64-bit integers and decimals are strings: no digit is lost on the way.
  const values = { id: 900, title: '=SUM(1,2)', price: '12.50', votes: '9007199254740993', seen: true, note: null };
  const requestId = '6f1d7c1e-5f0e-4a6b-9d6e-2f4bb0b7a001';
  const create = () => client.POST('/v1/links/{link}/sources/{source}/rows', { params: { ...side('database'), query: { requestId } }, body: { values } });
  const made = await answered(create());
  check(JSON.stringify(made.values) === JSON.stringify(values) && !!made.etag, 'the row that was made', made);
  const again = await answered(create());
  check(again.etag === made.etag, 'the same request again', again, made);
  await arrived('sheet', '900', values);

  const changed = await answered(client.PATCH('/v1/links/{link}/sources/{source}/rows/{row}', {
    params: place('database', '900'), body: { etag: made.etag!, values: { price: '13.75' } },
  }));
  check(changed.values?.['price'] === '13.75' && changed.etag !== made.etag, 'the row that was changed', changed);
  const stale = await client.PATCH('/v1/links/{link}/sources/{source}/rows/{row}', {
    params: place('database', '900'), body: { etag: made.etag!, values: { price: '99.00' } },
  });
  check(stale.response.status === 412 && stale.error?.code === 10, 'a stale etag', stale.response.status, stale.error);
  const now = stale.error?.details?.find((detail) => detail['@type'] === 'type.googleapis.com/tandem.v1.Row') as Row | undefined;
  check(now?.values?.['price'] === '13.75' && now.etag === changed.etag, 'the row as it is now', stale.error);
  const refused = await client.POST('/v1/links/{link}/sources/{source}/rows', { params: side('database'), body: { values: { id: 901, colour: 'red' } } });
  check(refused.response.status === 400 && JSON.stringify(refused.error).includes('colour'), 'a column that is not there', refused.error);
  await arrived('sheet', '900', { price: '13.75' });
}

async function sendQueue(): Promise<void> {
  const first = await getRow('sheet', '1');
  const mutations: components['schemas']['Mutation'][] = [
    { mutationId: 'phone-1', type: 'UPDATE', row: { name: first.name!, values: { title: 'from the phone' } }, etag: first.etag! },
    { mutationId: 'phone-2', type: 'CREATE', row: { values: { id: 901, title: 'made offline', price: '1.00', votes: '0', seen: false } } },
    { mutationId: 'phone-3', type: 'CREATE', row: { values: { id: 2, title: 'there already' } } },
    { mutationId: 'phone-4', type: 'UPDATE', row: { name: first.name!, values: { price: 'dear' } } },
    { mutationId: 'phone-5', type: 'DELETE', row: { name: first.name!.replace(/1$/, '250') } },
  ];
  const send = () => answered(client.POST('/v1/links/{link}/sources/{source}/rows:mutate', { params: side('sheet'), body: { mutations } }));
  const sent = (await send()).results ?? [];
  const statuses = sent.map((result) => result.status);
  check(statuses.join() === 'APPLIED,APPLIED,CONFLICT,REJECTED,APPLIED', 'the results of the queue', sent);
  check(sent[2]?.row?.values?.['title'] === 'film 2', 'a conflict carries the row as it is', sent[2]);
  check(JSON.stringify(sent[3]?.error).includes('price'), 'a refusal names the column', sent[3]);
  const replayed = (await send()).results ?? [];
  check(replayed.map((result) => result.status).join() === statuses.join(), 'the queue sent again', replayed);
  check(replayed[0]?.replayed === true && replayed[4]?.replayed === true, 'what was applied is known', replayed);
  await arrived('database', '1', { title: 'from the phone' });
  await arrived('database', '901', { title: 'made offline' });
  await eventually('row 250 gone from the database', async () => {
    const gone = await look('database', '250');
    return gone.response.status === 404 ? true : undefined;
  });
}

// type does what a person does in the sheet.
async function type(edit: unknown): Promise<void> {
  const answer = await fetch(`${google}/emulator/spreadsheets/${spreadsheetId}/edits`, { method: 'POST', body: JSON.stringify({ edits: [edit] }) });
  check(answer.ok, 'the edit in the sheet', await answer.text());
}

async function decideConflict(): Promise<void> {
  await answered(client.POST('/v1/links/{link}:pause', { params: { path: { link } }, body: {} }));
  await answered(client.PATCH('/v1/links/{link}/sources/{source}/rows/{row}', { params: place('database', '3'), body: { values: { title: 'of the database' } } }));
  const { position } = await getRow('sheet', '3');
  await type({ setCell: { sheet: 'Films', a1: `B${position}`, input: 'of the sheet' } });
  await answered(client.POST('/v1/links/{link}:resume', { params: { path: { link } }, body: {} }));
  const conflict = await eventually<Conflict>('a conflict', async () => {
    const open = await answered(client.GET('/v1/links/{link}/conflicts', { params: { path: { link } } }));
    return open.conflicts?.[0];
  });
  const cell = conflict.columns?.[0];
  check(conflict.key === '3' && cell?.column === 'title' && cell.database === 'of the database' && cell.sheet === 'of the sheet', 'the conflict', conflict);
  const decided = await answered(client.POST('/v1/links/{link}/conflicts/{conflict}:resolve', {
    params: { path: { link, conflict: '3' } }, body: { etag: conflict.etag!, columns: { title: { value: 'of both' } } },
  }));
  check(decided.resolving === true, 'the decision', decided);
  await arrived('database', '3', { title: 'of both' });
  await arrived('sheet', '3', { title: 'of both' });
}

async function goBack(): Promise<void> {
  const { changes } = await answered(client.GET('/v1/links/{link}/changes', { params: { path: { link }, query: { row: '1', pageSize: 10 } } }));
  const change = changes?.find((one) => one.after?.['title'] === 'from the phone');
  check(change?.name !== undefined && change.before?.['title'] === 'film 1', 'the change in history', changes);
  const tried = await answered(client.POST('/v1/links/{link}/changes:revert', { params: { path: { link } }, body: { changes: [change.name], validateOnly: true } }));
  check(tried.revertedCount === 1, 'trying to revert', tried);
  const reverted = await answered(client.POST('/v1/links/{link}/changes:revert', { params: { path: { link } }, body: { changes: [change.name] } }));
  check(reverted.revertedCount === 1 && reverted.refusedCount === 0, 'the revert', reverted);
  await arrived('database', '1', { title: 'film 1' });
  await arrived('sheet', '1', { title: 'film 1' });
}

// watch opens the stream of changes, writes, and reads until the change comes.
async function watch(): Promise<void> {
  const stop = new AbortController();
  const { data } = await client.GET('/v1/links/{link}/changes:watch', { params: { path: { link } }, parseAs: 'stream', signal: stop.signal });
  check(data !== undefined && data !== null, 'the stream of changes', data);
  const lines = (data as unknown as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = '';
  let written = false;
  for (;;) {
    const { done, value } = await lines.read();
    check(!done, 'the stream ended', text);
    text += value;
    if (text.includes('\n') && !written) {
      written = true; // the first answer said where the stream begins: from here on nothing is missed
      await answered(client.PATCH('/v1/links/{link}/sources/{source}/rows/{row}', { params: place('database', '5'), body: { values: { title: 'watched' } } }));
    }
    const answers = text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as components['schemas']['WatchChangesResponse']);
    const change = answers.find((answer) => answer.change?.key === '5')?.change;
    if (change === undefined) continue;
    check(change.kind === 'UPDATE' && change.after?.['title'] === 'watched' && change.source === 'DATABASE', 'the change', change);
    stop.abort();
    return;
  }
}

for (const step of [linkAndSync, listBothSides, writeRows, sendQueue, decideConflict, goBack, watch]) {
  await step();
  console.log(`ok ${step.name}`);
}
