/** Benches of models: what was asked and what came of it. */
export const benches = {
  name: '0002-benches',
  sql: `
CREATE TABLE benches (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,
  view TEXT NOT NULL
);
`,
};
