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
  statSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type HelloMessage, releaseName, type UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { isNewer } from '@edgetune/shared/protocol/release-version.ts';
import { NotSignedError, type ReleaseStatement } from '@edgetune/shared/protocol/signed.ts';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import type { Trust } from '../enrolment/trust.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Versions } from './versions.ts';

const SELF_TEST_TIMEOUT_MS = 5 * 60_000;
const CONNECT_TIMEOUT_MS = 2 * 60_000;
const run = promisify(execFile);

export interface UpdaterOptions {
  versions: Versions;
  server: string;
  /** Public key of the server, where one is pinned. */
  pin?: string | undefined;
  /** Says whose word an offer is. */
  trust: Pick<Trust, 'open'>;
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
   * Downloads the offered release, tests it, and makes it the current one, to be started next. What counts is what the
   * coordinator has signed, whoever made the offer.
   * @returns `switched`; `failed` where it did not pass its test, which is recorded; `postponed` where it could not be
   *   had, until the coordinator offers it again; `refused` where it is not the coordinator's, or not for this agent
   */
  async install(offer: UpdateOffer): Promise<'switched' | 'failed' | 'postponed' | 'refused'> {
    const { versions, log } = this.#options;
    let signed: ReleaseStatement;
    try {
      signed = this.#signedBy(offer);
    } catch (error) {
      if (!(error instanceof NotSignedError)) throw error;
      log.warn(`version ${offer.version} is offered, and refused: ${error.message}`);
      return 'refused';
    }
    const release = releaseName(signed);
    if (release === versions.current() || release === versions.failed()?.release) return 'postponed';
    log.info(`version ${signed.version} is offered: installing it beside ${versions.current()}`);
    const folder = join(versions.folder, release);
    try {
      await this.#unpack(offer.path, signed, folder);
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

  /** @throws {NotSignedError} where it is not the coordinator's, not for this board, or not newer than this agent */
  #signedBy({ proof }: UpdateOffer): ReleaseStatement {
    const signed = this.#options.trust.open(proof, 'release');
    const { platform } = this.state();
    if (signed.platform !== platform)
      throw new NotSignedError(`it is signed for ${signed.platform}, and this is ${platform}`);
    if (!isNewer(signed.version, AGENT_VERSION))
      throw new NotSignedError(`version ${signed.version} is signed, which is not newer than ${AGENT_VERSION}`);
    return signed;
  }

  /** @throws {Error} where it cannot be downloaded, is not what was signed, or there is no room for it */
  async #unpack(path: string, { sha256, bytes }: ReleaseStatement, folder: string): Promise<void> {
    if (existsSync(folder)) return;
    const [archive, unpacked] = [`${folder}.tgz`, `${folder}.new`];
    try {
      const { server, pin } = this.#options;
      const response = await requestHttp(new URL(path, server), { pin });
      if (!response.ok) {
        response.body.destroy();
        throw new Error(`the coordinator answered HTTP ${response.status}`);
      }
      await pipeline(response.body, atMost(bytes), createWriteStream(archive));
      const hash = createHash('sha256');
      await pipeline(createReadStream(archive), hash);
      if (statSync(archive).size !== bytes || hash.digest('hex') !== sha256)
        throw new Error('what came is not what was signed: it was damaged on its way, or replaced');
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

/** Lets so many bytes pass, and fails at the next: a card is not filled with what nobody has signed. */
function atMost(bytes: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      passed += chunk.length;
      if (passed <= bytes) callback(null, chunk);
      else callback(new Error(`more comes than the ${bytes} bytes that were signed`));
    },
  });
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
