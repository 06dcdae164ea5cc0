/** Devices and join tokens on the database. */
import { boardDescriptionSchema } from '@edgetune/shared/domain/device.ts';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { DeviceRecord, DeviceRepository } from '../fleet/device-repository.ts';
import type { Database } from './database.ts';
import { json, type RowReader } from './rows.ts';
import { devices, joinTokens, removedDevices } from './schema.ts';

const deviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  addedAt: z.string(),
  joinedAt: z.string().nullable(),
  lastSeenAt: z.string().nullable(),
  board: z.unknown(),
  credentialHash: z.string().nullable(),
});
const boardSchema = z.object({ board: json(boardDescriptionSchema).nullable() });
const tokenSchema = z.object({
  tokenHash: z.string(),
  deviceId: z.string(),
  expiresAt: z.string(),
  usedAt: z.string().nullable(),
});

/** Columns of what is known of a device; a board is stored as JSON. */
function columnsOf<T extends Partial<DeviceRecord>>({ board, ...rest }: T) {
  return board === undefined ? rest : { ...rest, board: board && JSON.stringify(board) };
}

export function createDeviceTable({ read, write, writePatiently }: Database, rows: RowReader): DeviceRepository {
  return {
    list: () =>
      rows.read('device', deviceSchema, read.select().from(devices).orderBy(asc(sql`rowid`)).all()).map((device) => {
        // Its agent tells anew with each hello what board it is on: without that the device is a member all the same.
        const [known] = rows.read('the board of device', boardSchema, [device]);
        return { ...device, board: known?.board ?? null };
      }),
    has: (id) => read.select({ id: devices.id }).from(devices).where(eq(devices.id, id)).all().length > 0,
    insert: (record) => write((tx) => void tx.insert(devices).values(columnsOf(record)).run()),
    async update(id, change) {
      if (Object.keys(change).length === 0) return;
      await write((tx) => void tx.update(devices).set(columnsOf(change)).where(eq(devices.id, id)).run());
    },
    note: (id, change) =>
      writePatiently((tx) => void tx.update(devices).set(columnsOf(change())).where(eq(devices.id, id)).run()),
    remove: ({ id, name }, removedAt) =>
      write((tx) => {
        tx.delete(devices).where(eq(devices.id, id)).run();
        tx.insert(removedDevices).values({ id, name, removedAt }).onConflictDoNothing().run();
      }),
    wasRemoved: (id) =>
      read.select({ id: removedDevices.id }).from(removedDevices).where(eq(removedDevices.id, id)).all().length > 0,
    insertToken: (token) =>
      write((tx) => {
        tx.delete(joinTokens)
          .where(and(eq(joinTokens.deviceId, token.deviceId), isNull(joinTokens.usedAt)))
          .run();
        tx.insert(joinTokens).values(token).run();
      }),
    token: (tokenHash) => {
      const found = read.select().from(joinTokens).where(eq(joinTokens.tokenHash, tokenHash)).all();
      return (
        rows.read(
          'join token',
          tokenSchema,
          found.map((row) => ({ ...row, id: row.tokenHash })),
        )[0] ?? null
      );
    },
    join: (tokenHash, { id, board, credentialHash, joinedAt }) =>
      write((tx) => {
        tx.update(joinTokens).set({ usedAt: joinedAt }).where(eq(joinTokens.tokenHash, tokenHash)).run();
        tx.update(devices).set(columnsOf({ board, credentialHash, joinedAt })).where(eq(devices.id, id)).run();
      }),
  };
}
