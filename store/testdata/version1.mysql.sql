-- The tables of schema version 1, as it was released.
CREATE TABLE tandem_migrations (
  version BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  applied_at DATETIME(6) NULL,
  PRIMARY KEY (version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_links (
  number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARCHAR(255) NOT NULL,
  version BIGINT NOT NULL,
  state VARCHAR(32) NOT NULL,
  spreadsheet_id VARCHAR(255) NOT NULL,
  sheet_id BIGINT NOT NULL,
  config LONGTEXT NULL,
  halt LONGTEXT NULL,
  halt_keys LONGTEXT NULL,
  approval LONGTEXT NULL,
  equal_as_of DATETIME(6) NULL,
  scanned_at DATETIME(6) NULL,
  last_error LONGTEXT NULL,
  last_hint_at DATETIME(6) NULL,
  created_at DATETIME(6) NULL,
  updated_at DATETIME(6) NULL,
  UNIQUE (id),
  UNIQUE (spreadsheet_id, sheet_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_leases (
  name VARCHAR(255) NOT NULL,
  holder VARCHAR(255) NOT NULL,
  fence BIGINT NOT NULL,
  expires_at DATETIME(6) NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_marks (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  link_number BIGINT NOT NULL,
  source VARCHAR(32) NOT NULL,
  row_key LONGTEXT NULL,
  raw_key TINYINT NOT NULL DEFAULT 0,
  marked_at DATETIME(6) NULL,
  cause VARCHAR(32) NOT NULL,
  actor VARCHAR(255) NOT NULL,
  KEY tandem_marks_1 (link_number, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_baselines (
  link_number BIGINT NOT NULL,
  row_key VARBINARY(2800) NOT NULL,
  data LONGTEXT NULL,
  PRIMARY KEY (link_number, row_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_changes (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  link_number BIGINT NOT NULL,
  row_key LONGTEXT NULL,
  kind VARCHAR(32) NOT NULL,
  source VARCHAR(32) NOT NULL,
  cause VARCHAR(32) NOT NULL,
  actor VARCHAR(255) NOT NULL,
  before_row LONGTEXT NULL,
  after_row LONGTEXT NULL,
  removes TINYINT NOT NULL DEFAULT 0,
  applied_at DATETIME(6) NULL,
  KEY tandem_changes_1 (link_number, seq),
  KEY tandem_changes_2 (link_number, removes, applied_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_row_errors (
  link_number BIGINT NOT NULL,
  place VARBINARY(2801) NOT NULL,
  row_key LONGTEXT NULL,
  position BIGINT NOT NULL,
  source VARCHAR(32) NOT NULL,
  column_name VARCHAR(255) NOT NULL,
  message LONGTEXT NULL,
  since DATETIME(6) NULL,
  digest VARCHAR(255) NOT NULL,
  retry_at DATETIME(6) NULL,
  attempts BIGINT NOT NULL,
  PRIMARY KEY (link_number, place),
  KEY tandem_row_errors_1 (link_number, since, place),
  KEY tandem_row_errors_2 (retry_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_intents (
  id VARCHAR(255) NOT NULL,
  link_number BIGINT NOT NULL,
  spreadsheet_id VARCHAR(255) NOT NULL,
  link_columns LONGTEXT NULL,
  batch LONGBLOB NULL,
  settlements LONGTEXT NULL,
  created_at DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY tandem_intents_1 (spreadsheet_id),
  KEY tandem_intents_2 (link_number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_operations (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARCHAR(255) NOT NULL,
  link_number BIGINT NOT NULL,
  request LONGTEXT NULL,
  progress LONGTEXT NULL,
  report LONGTEXT NULL,
  error LONGTEXT NULL,
  done TINYINT NOT NULL DEFAULT 0,
  cancel_requested TINYINT NOT NULL DEFAULT 0,
  created_at DATETIME(6) NULL,
  updated_at DATETIME(6) NULL,
  UNIQUE (id),
  KEY tandem_operations_1 (link_number, done)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_plans (
  number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARCHAR(255) NOT NULL,
  link_number BIGINT NOT NULL,
  signature VARCHAR(255) NOT NULL,
  created_at DATETIME(6) NULL,
  UNIQUE (id),
  KEY tandem_plans_1 (link_number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_plan_rows (
  plan_number BIGINT NOT NULL,
  row_key VARBINARY(2800) NOT NULL,
  digest VARCHAR(255) NOT NULL,
  PRIMARY KEY (plan_number, row_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_writes (
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARCHAR(255) NOT NULL,
  link_number BIGINT NOT NULL,
  link_columns LONGTEXT NULL,
  mutation LONGTEXT NULL,
  done TINYINT NOT NULL DEFAULT 0,
  created_at DATETIME(6) NULL,
  done_at DATETIME(6) NULL,
  UNIQUE (id),
  KEY tandem_writes_1 (link_number, done, seq),
  KEY tandem_writes_2 (done, done_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_results (
  write_id VARCHAR(255) NOT NULL,
  result LONGTEXT NULL,
  PRIMARY KEY (write_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
CREATE TABLE tandem_requests (
  link_number BIGINT NOT NULL,
  source VARCHAR(32) NOT NULL,
  request_id VARCHAR(255) NOT NULL,
  fingerprint VARCHAR(255) NOT NULL,
  write_id VARCHAR(255) NOT NULL,
  result LONGTEXT NULL,
  created_at DATETIME(6) NULL,
  PRIMARY KEY (link_number, source, request_id),
  KEY tandem_requests_1 (write_id),
  KEY tandem_requests_2 (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
