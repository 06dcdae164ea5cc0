/** This machine as a host. */
import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { type Host, HostError, type HostErrorCode, type HostLogin, type HostMqtt } from './host.ts';
import { monotonicMs } from './kernel-time.ts';

const COMMAND_TIMEOUT_MS = 5000;
/** Where nvpmodel (Jetson) and vcgencmd (older Raspberry Pi systems) are, and a user's PATH often is not. */
const MORE_PATH = '/usr/sbin:/sbin:/opt/vc/bin';

/** @param root folder that stands for `/`: the files of another board, for instance */
export function systemHost(root = ''): Host {
  return {
    read: (path) =>
      guarded(path, () =>
        readFileSync(root + path, 'utf8')
          .replaceAll('\0', '')
          .trim(),
      ),
    modifiedMs: (path) => statSync(root + path, { throwIfNoEntry: false })?.mtimeMs ?? null,
    list: (folder) => {
      try {
        return readdirSync(root + folder).sort(byNumber);
      } catch {
        return [];
      }
    },
    write: (path, text) => guarded(path, () => writeFileSync(root + path, text, { flag: 'r+' })),
    canWrite: (path) => {
      try {
        accessSync(root + path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    run,
    httpGet,
    mqtt: connect,
    nowMs: monotonicMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      try {
        await sleep(ms, undefined, signal ? { signal } : {});
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      }
    },
  };
}

const collator = new Intl.Collator('en', { numeric: true });

/** `hwmon2` before `hwmon10`. */
export function byNumber(a: string, b: string): number {
  return collator.compare(a, b);
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new HostError(codeOf(error), `${path}: ${(error as Error).message}`, { cause: error });
  }
}

function codeOf(error: unknown): HostErrorCode {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'denied' : 'failed';
}

function run(command: string, args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<string> {
  const line = [command, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:${MORE_PATH}` },
    };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      // A command that ran and refused says why on either output; `killed` is the time limit.
      const why = error.killed ? `no answer within ${timeoutMs} ms` : stderr.trim() || stdout.trim() || error.message;
      reject(
        new HostError(typeof error.code === 'string' ? codeOf(error) : 'failed', `${line}: ${why}`, { cause: error }),
      );
    });
    child.stdin?.end();
  });
}

async function httpGet(url: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return text;
  } catch (error) {
    throw new HostError('failed', `${url}: ${reasonOf(error)}`, { cause: error });
  }
}

async function connect(url: string, timeoutMs: number, login: HostLogin | null = null): Promise<HostMqtt> {
  const client = await connectAsync(url, { connectTimeout: timeoutMs, reconnectPeriod: 0, ...login }).catch((error) => {
    throw new HostError('failed', `${url}: ${reasonOf(error)}`, { cause: error });
  });
  // A connection that breaks is told by the messages that do not come.
  client.on('error', () => {});
  const subscribed = new Set<string>();
  return {
    publish: (topic, payload) => void client.publish(topic, payload),
    next(topics, ms) {
      const fresh = topics.filter((topic) => !subscribed.has(topic));
      if (fresh.length > 0) client.subscribe(fresh);
      for (const topic of fresh) subscribed.add(topic);
      return new Promise((resolve, reject) => {
        const end = (action: () => void) => {
          clearTimeout(timer);
          client.off('message', hear);
          action();
        };
        // What the broker kept from before says nothing of now.
        const hear = (topic: string, payload: Buffer, { retain }: { retain: boolean }) => {
          if (topics.includes(topic) && !retain) end(() => resolve(payload.toString('utf8')));
        };
        const timer = setTimeout(
          () =>
            end(() => reject(new HostError('failed', `${url}: no message on ${topics.join(' or ')} within ${ms} ms`))),
          ms,
        );
        client.on('message', hear);
      });
    },
    close: () => client.endAsync(true),
  };
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message || String(error);
}
