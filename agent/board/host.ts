/**
 * The one door to the machine: files of /proc and /sys, commands, plugs on the network, time. Every probe goes through
 * it, so that all of them work on a recorded board just as on a real one.
 */

/** Why a file or command gave nothing. `denied`: it is there, and this user may not; `failed`: it answered with an error. */
export type HostErrorCode = 'missing' | 'denied' | 'failed';

export class HostError extends Error {
  override name = 'HostError';
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Host {
  /**
   * Content of a small text file, trimmed (also of the NUL that ends texts of the device tree).
   * @throws {HostError}
   */
  read(path: string): string;
  /** When a file or folder was changed last, in ms since 1970; null where it is not there. */
  modifiedMs(path: string): number | null;
  /** Names in a folder, in order (`hwmon2` before `hwmon10`); none where there is no such folder. */
  list(folder: string): string[];
  /** @throws {HostError} */
  write(path: string, text: string): void;
  /** Whether `write` would be allowed. */
  canWrite(path: string): boolean;
  /**
   * Runs a command with English messages and nothing on its standard input.
   * @returns its standard output
   * @throws {HostError} also where it exits with an error or takes longer than `timeoutMs`
   */
  run(command: string, args: readonly string[], timeoutMs?: number): Promise<string>;
  /** Body of a successful answer. @throws {HostError} */
  httpGet(url: string, timeoutMs: number): Promise<string>;
  /**
   * @param url without a password: it stands in messages
   * @throws {HostError} where the broker cannot be reached
   */
  mqtt(url: string, timeoutMs: number, login?: HostLogin | null): Promise<HostMqtt>;
  /** Milliseconds of the monotonic clock, which all processes of the machine share and no correction of the time moves. */
  nowMs(): number;
  /** @throws the signal's reason when it is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface HostLogin {
  username: string;
  password: string;
}

export interface HostMqtt {
  publish(topic: string, payload: string): void;
  /** The next message on one of the topics. @throws {HostError} where none comes in time */
  next(topics: readonly string[], timeoutMs: number): Promise<string>;
  close(): Promise<void>;
}

/** Content of a file, or null where the board does not have it or does not let this user read it. */
export function readText(host: Host, path: string): string | null {
  try {
    return host.read(path);
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  }
}

/** A file that holds one number, or null. */
export function readNumber(host: Host, path: string): number | null {
  const text = readText(host, path);
  const value = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Whether a file can be read, and if not, why. */
export function accessTo(host: Host, path: string): 'readable' | HostErrorCode {
  try {
    host.read(path);
    return 'readable';
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

/** Paths of the entries of a folder whose names match. */
export function entries(host: Host, folder: string, name: RegExp): string[] {
  return host
    .list(folder)
    .filter((entry) => name.test(entry))
    .map((entry) => `${folder}/${entry}`);
}

/** What a command printed, or null where the board does not have it or it failed. */
export async function runText(
  host: Host,
  command: string,
  args: readonly string[],
  timeoutMs?: number,
): Promise<string | null> {
  try {
    return await host.run(command, args, timeoutMs);
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  }
}
