/** Tuners that programs drive over HTTP: what is tuned, and everything that was asked and told. */
export const tuners = {
  name: '0003-tuners',
  sql: `
CREATE TABLE tuners (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  spec TEXT NOT NULL
);
CREATE TABLE tuner_entries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tuner_id TEXT NOT NULL REFERENCES tuners(id) ON DELETE CASCADE,
  entry TEXT NOT NULL
);
CREATE INDEX tuner_entries_of ON tuner_entries(tuner_id);
`,
};
