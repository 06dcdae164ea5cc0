/** Devices and join tokens on the database. */
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { DeviceRepository } from '../fleet/device-repository.ts';
import type { Database } from './database.ts';
import { devices, joinTokens } from './schema.ts';

export function createDeviceTable({ read, write }: Database): DeviceRepository {
  return {
    list: () => read.select().from(devices).orderBy(asc(sql`rowid`)).all(),
    insert: (record) => write((tx) => void tx.insert(devices).values(record).run()),
    update: (id, change) => {
      if (Object.keys(change).length === 0) return;
      write((tx) => void tx.update(devices).set(change).where(eq(devices.id, id)).run());
    },
    remove: (id) => write((tx) => void tx.delete(devices).where(eq(devices.id, id)).run()),
    insertToken: (token) =>
      write((tx) => {
        tx.delete(joinTokens)
          .where(and(eq(joinTokens.deviceId, token.deviceId), isNull(joinTokens.usedAt)))
          .run();
        tx.insert(joinTokens).values(token).run();
      }),
    token: (tokenHash) => read.select().from(joinTokens).where(eq(joinTokens.tokenHash, tokenHash)).get() ?? null,
    join: (tokenHash, { id, board, credentialHash, joinedAt }) =>
      write((tx) => {
        tx.update(joinTokens).set({ usedAt: joinedAt }).where(eq(joinTokens.tokenHash, tokenHash)).run();
        tx.update(devices).set({ board, credentialHash, joinedAt }).where(eq(devices.id, id)).run();
      }),
  };
}
