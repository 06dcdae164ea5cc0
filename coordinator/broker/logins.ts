/** Who may log in to the embedded broker: devices of the fleet with their credentials, and the coordinator itself. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { COORDINATOR_USER } from './access.ts';
import { FailedLogins } from './failed-logins.ts';

export interface LoginsOptions {
  hasDevice(deviceId: string): boolean;
  verifyCredential(deviceId: string, credential: string): boolean;
  /** Somebody wants to log in as a device that is not in the fleet. */
  onStranger?(deviceId: string): void;
  log: Logger;
}

interface Login {
  clientId: string;
  address: string;
  username: string | undefined;
  password: string | undefined;
}

export class Logins {
  /** The coordinator's own password, made anew at each start: it never leaves the process. */
  readonly secret = randomBytes(32).toString('base64url');
  readonly #options: LoginsOptions;
  readonly #failed = new FailedLogins();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** Why somebody may not log in, with the return code of MQTT 3.1.1 (table 3.1); null: they may. */
  problem({ clientId, address, username, password }: Login): { returnCode: number; message: string } | null {
    const { hasDevice, verifyCredential, log } = this.#options;
    if (!username || password === undefined) return { returnCode: 4, message: 'user name or password missing' };
    if (clientId !== username) return { returnCode: 2, message: 'the client id is not the user name' };
    if (username === COORDINATOR_USER && equal(password, this.secret)) return null;
    const key = `${address} ${hasDevice(username) ? username : ''}`;
    if (this.#failed.isBlocked(key)) return { returnCode: 3, message: 'too many failed logins: wait a minute' };
    if (verifyCredential(username, password)) return null;
    if (!hasDevice(username)) this.#options.onStranger?.(username);
    const count = this.#failed.add(key);
    if (count === 1) log.warn(`broker: login of ${JSON.stringify(username.slice(0, 40))} from ${address} refused`);
    return { returnCode: 5, message: 'not a device of this fleet, or a wrong credential' };
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
