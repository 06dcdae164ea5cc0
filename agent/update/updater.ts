/** Installs a newer agent beside this one, after it has shown that it works; started again, it must connect, or is left. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type HelloMessage, releaseName, type UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import type { Versions } from './versions.ts';

const SELF_TEST_TIMEOUT_MS = 5 * 60_000;
const CONNECT_TIMEOUT_MS = 2 * 60_000;
const run = promisify(execFile);

export interface UpdaterOptions {
  versions: Versions;
  server: string;
  /** Public key of the server, where one is pinned. */
  pin?: string | undefined;
  log: Logger;
  /** Called where this release is on trial and has not connected in time: the agent is to end. */
  onGivenUp(): void;
  /** How long a release on trial may take to connect. */
  connectTimeoutMs?: number;
}

export class Updater {
  readonly #options: UpdaterOptions;
  #trial: NodeJS.Timeout | null = null;

  constructor(options: UpdaterOptions) {
    this.#options = options;
    const { versions, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
    if (!versions.isOnTrial()) return;
    this.#trial = setTimeout(() => {
      const reason = `it did not connect to ${options.server} within ${connectTimeoutMs / 1000} s`;
      options.log.warn(`${versions.current()} is left for the version before it: ${reason}`);
      versions.giveUp(reason);
      options.onGivenUp();
    }, connectTimeoutMs);
  }

  /** What the coordinator needs to know to offer an update. */
  state(): NonNullable<HelloMessage['update']> {
    const { versions } = this.#options;
    return {
      release: versions.current(),
      platform: `${process.platform}-${process.arch}`,
      failed: versions.failed(),
    };
  }

  /** The agent is connected: where its release was on trial, it has passed. */
  connected(): void {
    if (!this.#trial) return;
    clearTimeout(this.#trial);
    this.#trial = null;
    this.#options.versions.commit();
    this.#options.log.info(`the update to ${this.#options.versions.current()} is complete`);
  }

  close(): void {
    if (this.#trial) clearTimeout(this.#trial);
  }

  /**
   * Downloads the offered release, tests it, and makes it the current one, to be started next.
   * @returns `switched`; `failed` where it did not pass its test, which is recorded; `postponed` where it could not be
   *   had, until the coordinator offers it again
   */
  async install(offer: UpdateOffer): Promise<'switched' | 'failed' | 'postponed'> {
    const { versions, log } = this.#options;
    const release = releaseName(offer);
    if (release === versions.current() || release === versions.failed()?.release) return 'postponed';
    log.info(`version ${offer.version} is offered: installing it beside ${versions.current()}`);
    const folder = join(versions.folder, release);
    try {
      await this.#unpack(offer, folder);
    } catch (error) {
      log.warn(`version ${offer.version} was not installed`, { error });
      return 'postponed';
    }
    try {
      await selfTestOf(folder, offer.version);
    } catch (error) {
      const reason = (error as Error).message;
      rmSync(folder, { recursive: true, force: true });
      versions.recordFailure({ release, reason });
      log.warn(`version ${offer.version} failed its self-test and was removed: ${reason}`);
      return 'failed';
    }
    this.#removeOthers(release);
    versions.try(release);
    log.info(`version ${offer.version} passed its self-test: it is started`);
    return 'switched';
  }

  /** @throws {Error} where it cannot be downloaded, is damaged, or there is no room for it */
  async #unpack({ path, sha256 }: UpdateOffer, folder: string): Promise<void> {
    if (existsSync(folder)) return;
    const [archive, unpacked] = [`${folder}.tgz`, `${folder}.new`];
    try {
      const { server, pin } = this.#options;
      const response = await requestHttp(new URL(path, server), { pin });
      if (!response.ok) {
        response.body.destroy();
        throw new Error(`the coordinator answered HTTP ${response.status}`);
      }
      await pipeline(response.body, createWriteStream(archive));
      const hash = createHash('sha256');
      await pipeline(createReadStream(archive), hash);
      if (hash.digest('hex') !== sha256) throw new Error('it was damaged on its way');
      await mkdir(unpacked, { recursive: true });
      await run('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']);
      renameSync(unpacked, folder);
    } finally {
      rmSync(archive, { force: true });
      rmSync(unpacked, { recursive: true, force: true });
    }
  }

  /** Of older releases, and of what was broken off, only the release that runs now is kept: a board's card is small. */
  #removeOthers(release: string): void {
    const { versions } = this.#options;
    for (const name of readdirSync(versions.folder))
      if (/^\d/.test(name) && name !== release && name !== versions.current())
        rmSync(join(versions.folder, name), { recursive: true, force: true });
  }
}

/** @throws {Error} that says what the release cannot do */
async function selfTestOf(folder: string, version: string): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: unknown };
  if (manifest.version !== version) throw new Error(`it says that it is version ${manifest.version}`);
  try {
    await run(process.execPath, [join(folder, 'bin/edgetune-agent.js'), 'self-test'], {
      timeout: SELF_TEST_TIMEOUT_MS,
    });
  } catch (error) {
    const { stderr = '', killed, message } = error as Error & { stderr?: string; killed?: boolean };
    if (killed) throw new Error(`its self-test did not end within ${SELF_TEST_TIMEOUT_MS / 1000} s`);
    throw new Error(
      stderr
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^edgetune-agent: /, '') || message,
    );
  }
}
