/** Studies with their events, measurements, devices with join tokens, jobs. */
export const initial = {
  name: '0001-initial',
  sql: `
CREATE TABLE studies (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  yaml TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  created_at TEXT NOT NULL,
  finished_at TEXT
);
CREATE TABLE study_events (
  study_id TEXT NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (study_id, seq)
);
CREATE TABLE measurements (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  signature TEXT NOT NULL,
  device_class TEXT NOT NULL,
  scenario_key TEXT NOT NULL,
  measurement TEXT NOT NULL
);
CREATE INDEX measurements_by_architecture ON measurements (signature, scenario_key, device_class);
CREATE TABLE devices (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  added_at TEXT NOT NULL,
  joined_at TEXT,
  last_seen_at TEXT,
  board TEXT,
  credential_hash TEXT
);
CREATE TABLE join_tokens (
  token_hash TEXT PRIMARY KEY NOT NULL,
  device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
  expires_at TEXT NOT NULL,
  used_at TEXT
);
CREATE TABLE jobs (
  id TEXT PRIMARY KEY NOT NULL,
  device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
  study_id TEXT,
  request TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  lease_token TEXT NOT NULL,
  reason TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state);
`,
};
