/** Who belongs to the fleet: names, join tokens, credentials. Ids never change; a name is only a label. */
import { randomBytes } from 'node:crypto';
import { type BoardDescription, deviceNameSchema } from '@edgetune/shared/domain/device.ts';
import type { DeviceRecord, DeviceRepository } from './device-repository.ts';
import { FleetError } from './fleet-error.ts';
import { hashSecret, matchesHash, newSecret } from './secrets.ts';

const TOKEN_LIFE_MS = 60 * 60 * 1000;

export interface JoinToken {
  token: string;
  expiresAt: string;
}

export type Heard = Partial<Pick<DeviceRecord, 'board' | 'lastSeenAt'>>;

export class DeviceRegistry {
  readonly #repository: DeviceRepository;
  readonly #now: () => number;
  /** Read at every message: the table is small and lives here too. */
  readonly #devices: Map<string, DeviceRecord>;
  /** What agents have said and the store has not begun to write. */
  readonly #unwritten = new Map<string, { change: Heard; written: Promise<void> }>();
  /** Changes by people are made one after the other: what one has checked still holds when it is written. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(repository: DeviceRepository, now: () => number) {
    this.#repository = repository;
    this.#now = now;
    this.#devices = new Map(repository.list().map((device) => [device.id, device]));
  }

  list(): DeviceRecord[] {
    return [...this.#devices.values()];
  }

  get(id: string): DeviceRecord | null {
    return this.#devices.get(id) ?? null;
  }

  find(name: string): DeviceRecord | null {
    return this.list().find((device) => device.name === name) ?? null;
  }

  /** @throws {FleetError} where no device has this name */
  require(name: string): DeviceRecord {
    const device = this.find(name);
    if (device) return device;
    const names = this.list().map((known) => known.name);
    throw new FleetError(
      'no-such-device',
      `no device is named "${name}"`,
      names.length > 0 ? `the fleet has ${names.join(', ')}` : `add it: edgetune device add ${name}`,
    );
  }

  /** Reserves the name, or, for a device that has not joined yet, replaces its token. @throws {FleetError} */
  add(name: string): Promise<{ device: DeviceRecord; token: JoinToken }> {
    return this.#inTurn(async () => {
      this.#checkName(name);
      const known = this.find(name);
      if (known?.joinedAt)
        throw nameTaken(name, `choose another name, or remove that device first: edgetune device remove ${name}`);
      const device = known ?? (await this.#insert(name));
      return { device, token: await this.#makeToken(device) };
    });
  }

  /**
   * A new join token; the device's unused older ones are void, its credential holds until the token is used.
   * @throws {FleetError}
   */
  renewToken(name: string): Promise<{ device: DeviceRecord; token: JoinToken }> {
    return this.#inTurn(async () => {
      const device = this.require(name);
      return { device, token: await this.#makeToken(device) };
    });
  }

  /** Trades a token for a credential; the credential that the device had before is void. @throws {FleetError} */
  join(token: string, board: BoardDescription): Promise<{ device: DeviceRecord; credential: string }> {
    return this.#inTurn(async () => {
      const tokenHash = hashSecret(token);
      const known = this.#repository.token(tokenHash);
      const device = known && this.get(known.deviceId);
      if (!known || !device) throw badToken('this join token is not known', 'edgetune device add NAME');
      const again = `edgetune device add ${device.joinedAt ? 'NAME' : device.name}`;
      if (known.usedAt) throw badToken('this join token has been used already', again);
      if (Date.parse(known.expiresAt) <= this.#now()) throw badToken('this join token has expired', again);
      const credential = newSecret();
      const change = { board, credentialHash: hashSecret(credential), joinedAt: this.#timestamp() };
      await this.#repository.join(tokenHash, { id: device.id, ...change });
      return { device: this.#apply(device.id, change), credential };
    });
  }

  verifyCredential(id: string, credential: string): boolean {
    const hash = this.get(id)?.credentialHash;
    return hash != null && matchesHash(credential, hash);
  }

  /** @throws {FleetError} */
  rename(name: string, newName: string): Promise<DeviceRecord> {
    return this.#inTurn(async () => {
      const { id } = this.require(name);
      this.#checkName(newName);
      const other = this.find(newName);
      if (other && other.id !== id) throw nameTaken(newName, 'choose another name');
      await this.#repository.update(id, { name: newName });
      return this.#apply(id, { name: newName });
    });
  }

  /**
   * What its agent says of it counts at once: after a restart it says so again.
   * @returns when it is written too
   */
  heard(id: string, change: Heard): Promise<void> {
    this.#apply(id, change);
    const waiting = this.#unwritten.get(id);
    if (waiting) {
      // On a full disk a board that comes and goes for days takes no more room than one that came once.
      Object.assign(waiting.change, change);
      return waiting.written;
    }
    const said = { change: { ...change }, written: Promise.resolve() };
    this.#unwritten.set(id, said);
    said.written = this.#repository.note(id, () => {
      this.#unwritten.delete(id);
      return said.change;
    });
    return said.written;
  }

  /** @returns the device that is a member no more @throws {FleetError} */
  remove(name: string): Promise<DeviceRecord> {
    return this.#inTurn(async () => {
      const device = this.require(name);
      await this.#repository.remove(device, this.#timestamp());
      this.#devices.delete(device.id);
      return device;
    });
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const made = this.#turn.then(change);
    this.#turn = made.catch(() => {});
    return made;
  }

  #apply(id: string, change: Partial<DeviceRecord>): DeviceRecord {
    const device = { ...(this.#devices.get(id) as DeviceRecord), ...change };
    this.#devices.set(id, device);
    return device;
  }

  async #makeToken(device: DeviceRecord): Promise<JoinToken> {
    const token = newSecret();
    const expiresAt = new Date(this.#now() + TOKEN_LIFE_MS).toISOString();
    await this.#repository.insertToken({ tokenHash: hashSecret(token), deviceId: device.id, expiresAt, usedAt: null });
    return { token, expiresAt };
  }

  async #insert(name: string): Promise<DeviceRecord> {
    const device: DeviceRecord = {
      id: `d-${randomBytes(8).toString('hex')}`,
      name,
      addedAt: this.#timestamp(),
      joinedAt: null,
      lastSeenAt: null,
      board: null,
      credentialHash: null,
    };
    await this.#repository.insert(device);
    this.#devices.set(device.id, device);
    return device;
  }

  #checkName(name: string): void {
    const parsed = deviceNameSchema.safeParse(name);
    if (!parsed.success)
      throw new FleetError('bad-name', `"${name}" cannot be a device's name`, parsed.error.issues[0]?.message ?? '');
  }

  #timestamp(): string {
    return new Date(this.#now()).toISOString();
  }
}

function nameTaken(name: string, hint: string): FleetError {
  return new FleetError('name-taken', `a device named "${name}" is in the fleet already`, hint);
}

function badToken(message: string, command: string): FleetError {
  return new FleetError('bad-token', message, `make a new one on the coordinator: ${command}`);
}
