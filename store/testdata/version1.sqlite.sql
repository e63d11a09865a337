-- The tables of schema version 1, as it was released.
CREATE TABLE tandem_migrations (
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NULL,
  PRIMARY KEY (version)
);
CREATE TABLE tandem_links (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  spreadsheet_id TEXT NOT NULL,
  sheet_id INTEGER NOT NULL,
  config TEXT NULL,
  halt TEXT NULL,
  halt_keys TEXT NULL,
  approval TEXT NULL,
  equal_as_of TEXT NULL,
  scanned_at TEXT NULL,
  last_error TEXT NULL,
  last_hint_at TEXT NULL,
  created_at TEXT NULL,
  updated_at TEXT NULL,
  UNIQUE (id),
  UNIQUE (spreadsheet_id, sheet_id)
);
CREATE TABLE tandem_leases (
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  fence INTEGER NOT NULL,
  expires_at TEXT NULL,
  PRIMARY KEY (name)
);
CREATE TABLE tandem_marks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  link_number INTEGER NOT NULL,
  source TEXT NOT NULL,
  row_key TEXT NULL,
  raw_key INTEGER NOT NULL DEFAULT 0,
  marked_at TEXT NULL,
  cause TEXT NOT NULL,
  actor TEXT NOT NULL
);
CREATE INDEX tandem_marks_1 ON tandem_marks (link_number, id);
CREATE TABLE tandem_baselines (
  link_number INTEGER NOT NULL,
  row_key TEXT NOT NULL,
  data TEXT NULL,
  PRIMARY KEY (link_number, row_key)
);
CREATE TABLE tandem_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  link_number INTEGER NOT NULL,
  row_key TEXT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  cause TEXT NOT NULL,
  actor TEXT NOT NULL,
  before_row TEXT NULL,
  after_row TEXT NULL,
  removes INTEGER NOT NULL DEFAULT 0,
  applied_at TEXT NULL
);
CREATE INDEX tandem_changes_1 ON tandem_changes (link_number, seq);
CREATE INDEX tandem_changes_2 ON tandem_changes (link_number, removes, applied_at);
CREATE TABLE tandem_row_errors (
  link_number INTEGER NOT NULL,
  place TEXT NOT NULL,
  row_key TEXT NULL,
  position INTEGER NOT NULL,
  source TEXT NOT NULL,
  column_name TEXT NOT NULL,
  message TEXT NULL,
  since TEXT NULL,
  digest TEXT NOT NULL,
  retry_at TEXT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY (link_number, place)
);
CREATE INDEX tandem_row_errors_1 ON tandem_row_errors (link_number, since, place);
CREATE INDEX tandem_row_errors_2 ON tandem_row_errors (retry_at);
CREATE TABLE tandem_intents (
  id TEXT NOT NULL,
  link_number INTEGER NOT NULL,
  spreadsheet_id TEXT NOT NULL,
  link_columns TEXT NULL,
  batch BLOB NULL,
  settlements TEXT NULL,
  created_at TEXT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX tandem_intents_1 ON tandem_intents (spreadsheet_id);
CREATE INDEX tandem_intents_2 ON tandem_intents (link_number);
CREATE TABLE tandem_operations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  link_number INTEGER NOT NULL,
  request TEXT NULL,
  progress TEXT NULL,
  report TEXT NULL,
  error TEXT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NULL,
  updated_at TEXT NULL,
  UNIQUE (id)
);
CREATE INDEX tandem_operations_1 ON tandem_operations (link_number, done);
CREATE TABLE tandem_plans (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  link_number INTEGER NOT NULL,
  signature TEXT NOT NULL,
  created_at TEXT NULL,
  UNIQUE (id)
);
CREATE INDEX tandem_plans_1 ON tandem_plans (link_number);
CREATE TABLE tandem_plan_rows (
  plan_number INTEGER NOT NULL,
  row_key TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (plan_number, row_key)
);
CREATE TABLE tandem_writes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  link_number INTEGER NOT NULL,
  link_columns TEXT NULL,
  mutation TEXT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NULL,
  done_at TEXT NULL,
  UNIQUE (id)
);
CREATE INDEX tandem_writes_1 ON tandem_writes (link_number, done, seq);
CREATE INDEX tandem_writes_2 ON tandem_writes (done, done_at);
CREATE TABLE tandem_results (
  write_id TEXT NOT NULL,
  result TEXT NULL,
  PRIMARY KEY (write_id)
);
CREATE TABLE tandem_requests (
  link_number INTEGER NOT NULL,
  source TEXT NOT NULL,
  request_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  write_id TEXT NOT NULL,
  result TEXT NULL,
  created_at TEXT NULL,
  PRIMARY KEY (link_number, source, request_id)
);
CREATE INDEX tandem_requests_1 ON tandem_requests (write_id);
CREATE INDEX tandem_requests_2 ON tandem_requests (created_at);
