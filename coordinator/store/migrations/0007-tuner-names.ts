export const tunerNames = {
  name: '0007-tuner-names',
  sql: `
ALTER TABLE tuners ADD COLUMN name TEXT;
ALTER TABLE tuners ADD COLUMN trials INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tuners ADD COLUMN state TEXT NOT NULL DEFAULT 'running';
UPDATE tuners SET trials = (
  SELECT count(*) FROM tuner_entries
  WHERE tuner_id = tuners.id AND json_valid(entry) AND json_extract(entry, '$.ask.rung') = 0
);
`,
};
