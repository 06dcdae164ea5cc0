/** The version of an event's kind when it was written; what stands already may be of the first. */
export const eventVersions = {
  name: '0005-event-versions',
  sql: 'ALTER TABLE study_events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;',
};
