/** Models by SHA-256 in the agent's data directory: downloaded over HTTP, resumed, verified, and kept up to a size. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';

export interface ModelCacheOptions {
  directory: string;
  server: string;
  /** Public key of the server, where one is pinned. */
  pin?: string | undefined;
  deviceId: string;
  credential: string;
  /** Bytes of models that are kept; the longest unused go first. */
  maxBytes: number;
  /** Waits before a download is tried again; absent: by the clock. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How often a download that broke off is taken up again. */
const MAX_TRIES = 5;
/** Doubled after each try. */
const RETRY_MS = 50;

export class ModelCache {
  readonly #options: ModelCacheOptions;

  constructor(options: ModelCacheOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true });
  }

  /**
   * Path of the verified model file.
   * @throws {Error} where it cannot be downloaded or its content is not what its name says; the signal's reason, once aborted
   */
  async get(sha256: string, bytes: number, signal: AbortSignal): Promise<string> {
    const path = join(this.#options.directory, `${sha256}.onnx`);
    // A power cut may have left a file that is too short.
    if (existsSync(path) && statSync(path).size === bytes) {
      utimesSync(path, new Date(), new Date());
      return path;
    }
    this.#makeRoom(bytes);
    const partial = `${path}.partial`;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#download(sha256, bytes, partial, signal);
        break;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw this.#diskFull(partial, bytes, error);
        if (attempt === MAX_TRIES || error instanceof RefusedDownloadError || error instanceof WrongKeyError)
          throw error;
        const { pause = byTheClock } = this.#options;
        await pause(RETRY_MS * 2 ** attempt, signal).catch(() => signal.throwIfAborted());
      }
    }
    const found = await sha256Of(partial);
    if (found !== sha256) {
      rmSync(partial);
      throw new Error(
        `the downloaded model has the SHA-256 ${found}, not ${sha256}: it was damaged on its way or on the coordinator's disk`,
      );
    }
    renameSync(partial, path);
    return path;
  }

  async #download(sha256: string, bytes: number, partial: string, signal: AbortSignal): Promise<void> {
    const { server, pin, deviceId, credential } = this.#options;
    const have = existsSync(partial) ? statSync(partial).size : 0;
    if (have === bytes) return;
    const start = have < bytes ? have : 0;
    const headers: Record<string, string> = { authorization: `Bearer ${deviceId}:${credential}` };
    if (start > 0) headers.range = `bytes=${start}-`;
    const response = await requestHttp(new URL(`/api/blobs/${sha256}`, server), { headers, signal, pin });
    if (!response.ok) {
      response.body.destroy();
      throw new RefusedDownloadError(
        `the coordinator did not give model ${sha256.slice(0, 12)}: HTTP ${response.status}`,
      );
    }
    const flags = response.status === 206 ? 'a' : 'w';
    await pipeline(response.body, createWriteStream(partial, { flags, flush: true }), { signal });
    const size = statSync(partial).size;
    if (size !== bytes)
      throw new Error(`the download of model ${sha256.slice(0, 12)} broke off at ${size} of ${bytes} bytes`);
  }

  /** What was downloaded goes again: a full disk stops more than this agent. */
  #diskFull(partial: string, bytes: number, cause: unknown): Error {
    rmSync(partial, { force: true });
    const { directory } = this.#options;
    return new Error(
      `the disk of this board is full: a model of ${formatQuantity(bytes, 'memory')} does not fit into ${directory}; free space there or give the agent a smaller cache (--cache-mb)`,
      { cause },
    );
  }

  #makeRoom(bytes: number): void {
    const files = readdirSync(this.#options.directory).map((name) => {
      const path = join(this.#options.directory, name);
      return { path, ...statSync(path) };
    });
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#options.maxBytes) return;
      rmSync(path);
      total -= size;
    }
  }
}

/** The coordinator answered, and not with the model: trying again is of no use. */
class RefusedDownloadError extends Error {
  override name = 'RefusedDownloadError';
}

const byTheClock = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal });

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
