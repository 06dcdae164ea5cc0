/**
 * Every migration, oldest first. They are modules, not files, so that a bundle needs nothing beside it.
 * A migration that was released is never edited: databases out there have recorded it as done.
 */
import { initial } from './0001-initial.ts';
import { benches } from './0002-benches.ts';
import { tuners } from './0003-tuners.ts';
import { measurementsByClass } from './0004-measurements-by-class.ts';
import { eventVersions } from './0005-event-versions.ts';
import { removedDevices } from './0006-removed-devices.ts';
import { tunerNames } from './0007-tuner-names.ts';

export interface Migration {
  name: string;
  sql: string;
}

export const migrations: readonly Migration[] = [initial, benches, tuners, measurementsByClass, eventVersions, removedDevices, tunerNames];
