/** What the fleet needs of the store for devices. A promise that resolves says: it is written durably. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';

export interface DeviceRecord {
  id: string;
  name: string;
  addedAt: string;
  /** When its agent last traded a token for a credential; null: not yet. */
  joinedAt: string | null;
  lastSeenAt: string | null;
  board: BoardDescription | null;
  /** SHA-256 of the credential, as hexadecimal digits. */
  credentialHash: string | null;
}

export interface JoinTokenRecord {
  /** SHA-256 of the token, as hexadecimal digits. */
  tokenHash: string;
  deviceId: string;
  expiresAt: string;
  usedAt: string | null;
}

export interface DeviceRepository {
  /** In the order in which they were added. */
  list(): DeviceRecord[];
  /** Whether there is a device of this id, be it one that cannot be read. */
  has(id: string): boolean;
  insert(record: DeviceRecord): Promise<void>;
  update(id: string, change: Partial<Omit<DeviceRecord, 'id'>>): Promise<void>;
  /**
   * What its agent has said of itself; while the disk is full it waits.
   * @param change gives what is to be written when that is done, which may be more than once
   */
  note(id: string, change: () => Partial<Pick<DeviceRecord, 'board' | 'lastSeenAt'>>): Promise<void>;
  /** Removes the device with its tokens and jobs, and remembers that it was removed. Its measurements stay. */
  remove(device: Pick<DeviceRecord, 'id' | 'name'>, removedAt: string): Promise<void>;
  /** Whether a device of this id was removed here. */
  wasRemoved(id: string): boolean;
  /** Stores a token, and voids the unused tokens that the device had before. */
  insertToken(token: JoinTokenRecord): Promise<void>;
  token(tokenHash: string): JoinTokenRecord | null;
  /** In one step: the token is used, the device has its credential and its board. */
  join(
    tokenHash: string,
    device: Pick<DeviceRecord, 'id' | 'board' | 'credentialHash'> & { joinedAt: string },
  ): Promise<void>;
}
