/**
 * The tables. A change here needs a new migration in migrations/ (a test compares the two), and a new database under
 * test/fixtures/databases. JSON is plain text here: the tables' files parse it, row by row.
 */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const studies = sqliteTable('studies', {
  /** Order of insertion: two studies may be made within one millisecond. */
  number: integer('number').primaryKey({ autoIncrement: true }),
  id: text('id').notNull().unique(),
  name: text('name').notNull(),
  yaml: text('yaml').notNull(),
  state: text('state').notNull(),
  reason: text('reason'),
  createdAt: text('created_at').notNull(),
  finishedAt: text('finished_at'),
});

export const studyEvents = sqliteTable(
  'study_events',
  {
    studyId: text('study_id')
      .notNull()
      .references(() => studies.id, { onDelete: 'cascade' }),
    seq: integer('seq').notNull(),
    at: text('at').notNull(),
    body: text('body').notNull(),
    /** Of the body's kind, when it was written (event-versions.ts). */
    version: integer('version').notNull().default(1),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.seq] })],
);

export const measurements = sqliteTable('measurements', {
  number: integer('number').primaryKey({ autoIncrement: true }),
  id: text('id').notNull().unique(),
  signature: text('signature').notNull(),
  deviceClass: text('device_class').notNull(),
  scenarioKey: text('scenario_key').notNull(),
  measurement: text('measurement').notNull(),
});

export const devices = sqliteTable('devices', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  addedAt: text('added_at').notNull(),
  joinedAt: text('joined_at'),
  lastSeenAt: text('last_seen_at'),
  board: text('board'),
  credentialHash: text('credential_hash'),
});

/** Of what was removed only that: its agent may come back, and is told. */
export const removedDevices = sqliteTable('removed_devices', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  removedAt: text('removed_at').notNull(),
});

export const joinTokens = sqliteTable('join_tokens', {
  tokenHash: text('token_hash').primaryKey(),
  deviceId: text('device_id')
    .notNull()
    .references(() => devices.id, { onDelete: 'cascade' }),
  expiresAt: text('expires_at').notNull(),
  usedAt: text('used_at'),
});

export const jobs = sqliteTable('jobs', {
  id: text('id').primaryKey(),
  deviceId: text('device_id')
    .notNull()
    .references(() => devices.id, { onDelete: 'cascade' }),
  studyId: text('study_id'),
  request: text('request').notNull(),
  state: text('state').notNull(),
  attempt: integer('attempt').notNull(),
  leaseToken: text('lease_token').notNull(),
  reason: text('reason'),
  createdAt: text('created_at').notNull(),
  updatedAt: text('updated_at').notNull(),
});

export const benches = sqliteTable('benches', {
  number: integer('number').primaryKey({ autoIncrement: true }),
  id: text('id').notNull().unique(),
  request: text('request').notNull(),
  view: text('view').notNull(),
});

export const tuners = sqliteTable('tuners', {
  number: integer('number').primaryKey({ autoIncrement: true }),
  id: text('id').notNull().unique(),
  createdAt: text('created_at').notNull(),
  spec: text('spec').notNull(),
  name: text('name'),
  trials: integer('trials').notNull().default(0),
  state: text('state', { enum: ['running', 'finished'] })
    .notNull()
    .default('running'),
});

export const tunerEntries = sqliteTable('tuner_entries', {
  number: integer('number').primaryKey({ autoIncrement: true }),
  tunerId: text('tuner_id')
    .notNull()
    .references(() => tuners.id, { onDelete: 'cascade' }),
  entry: text('entry').notNull(),
});
