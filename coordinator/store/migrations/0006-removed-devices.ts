export const removedDevices = {
  name: '0006-removed-devices',
  sql: `
CREATE TABLE removed_devices (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  removed_at TEXT NOT NULL
);
`,
};
