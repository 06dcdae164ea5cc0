/**
 * What boards install: the packed agent together with ONNX Runtime for their platform, from the coordinator's own
 * installation; and Node.js, from npm, for boards that have none. Each is made once and kept in a folder.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';

export const PLATFORMS = ['linux-arm64', 'linux-x64'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** The line of Node.js that boards without one are given: its newest version, at the first request. */
const NODE_LINE = '22';

export interface ReleaseFile {
  path: string;
  sha256: string;
  bytes: number;
}

export interface AgentRelease {
  /** Version of the packed agent; null where none was built. */
  version(): Promise<string | null>;
  /** The agent with everything that it needs but Node.js. @throws {Error} where it cannot be put together */
  agentFor(platform: Platform): Promise<ReleaseFile>;
  /** Node.js as npm has it (`package/bin/node` inside). @throws {Error} where it cannot be had, or is not what npm says */
  nodeFor(platform: Platform): Promise<ReleaseFile>;
}

const run = promisify(execFile);
/** A board waits for the answer: where the registry cannot be reached, that is said within seconds. */
const SOON = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=1000'];
/** Why it failed is said however quiet npm is set, such as by an "npm run --silent" around all this. */
const NPM_FLAGS = [...SOON, '--loglevel=error', '--update-notifier=false'];
const npm = (...args: string[]) => run('npm', [...args, ...NPM_FLAGS]);

/**
 * @param options.tarball the packed agent, as `npm run build` makes it
 * @param options.directory where what is made is kept
 */
export function createAgentRelease(options: { tarball: string; directory: string }): AgentRelease {
  const { tarball, directory } = options;
  const making = new Map<string, Promise<ReleaseFile>>();
  let read: { stamp: string; packed: Promise<Packed> } | null = null;

  /** Of the tarball, read again where it was built anew. */
  async function packed(): Promise<Packed | null> {
    if (!existsSync(tarball)) return null;
    const { mtimeMs, size } = await stat(tarball);
    const stamp = `${mtimeMs} ${size}`;
    if (read?.stamp !== stamp) read = { stamp, packed: readPacked(tarball) };
    return read.packed;
  }

  /** Makes a file once, also for those who ask meanwhile; a failure is not remembered, nor a file that was removed. */
  async function once(key: string, make: () => Promise<string>): Promise<ReleaseFile> {
    const known = making.get(key);
    if (known && existsSync((await known).path)) return known;
    // Another may have begun to make it while this one looked.
    const begun = making.get(key);
    if (begun && begun !== known) return begun;
    const made = make().then(describeFile);
    made.catch(() => making.delete(key));
    making.set(key, made);
    return made;
  }

  return {
    version: async () => (await packed())?.version ?? null,
    async agentFor(platform) {
      const agent = await packed();
      if (!agent)
        throw new Error('the agent is not packed here: run "npm run build" in the checkout of the coordinator');
      // A new build, or another ONNX Runtime, is another file.
      const runtime = await onnxRuntime();
      const name = `agent-${platform}-${runtime.version}-${agent.sha256.slice(0, 12)}.tgz`;
      return once(name, () =>
        kept(directory, `agent-${platform}-`, name, (to) => bundle(tarball, runtime, platform, to)),
      );
    },
    nodeFor: (platform) => once(`node-${platform}`, () => nodeFromNpm(directory, platform)),
  };
}

interface Packed {
  version: string;
  sha256: string;
}

async function readPacked(tarball: string): Promise<Packed> {
  const { stdout } = await run('tar', ['-xzOf', tarball, 'package/package.json']);
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(stdout));
  return { version, sha256: await digestOf(tarball, 'sha256', 'hex') };
}

/** Path of the file of this name, made where it is not there; older ones with the same beginning are removed. */
async function kept(directory: string, prefix: string, name: string, make: (path: string) => Promise<void>) {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  if (existsSync(path)) return path;
  const staging = await mkdtemp(join(directory, 'making-'));
  try {
    await make(join(staging, name));
    for (const old of await readdir(directory)) if (old.startsWith(prefix)) await rm(join(directory, old));
    await rename(join(staging, name), path);
    return path;
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw new NotWrittenError('disk-full', `the disk is full: ${path} could not be written. Free some space`, {
      cause: error,
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface OnnxRuntime {
  version: string;
  /** Folders of the two packages: the binding, and what it shares with ONNX Runtime for browsers. */
  node: string;
  common: string;
}

async function onnxRuntime(): Promise<OnnxRuntime> {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const packageOf = (path: string) => path.replace(/([/\\]dist[/\\]).*$/, '');
  const node = packageOf(entry);
  const manifest = z.object({ version: z.string() });
  const { version } = manifest.parse(JSON.parse(await readFile(join(node, 'package.json'), 'utf8')));
  return { version, node, common: packageOf(createRequire(entry).resolve('onnxruntime-common')) };
}

/** The agent's package with the two packages of ONNX Runtime in its `node_modules`, of binaries only this platform's. */
async function bundle(tarball: string, runtime: OnnxRuntime, platform: Platform, path: string): Promise<void> {
  const staging = dirname(path);
  await run('tar', ['-xzf', tarball, '-C', staging]);
  const modules = join(staging, 'package', 'node_modules');
  const copy = (from: string, to: string, folders: readonly string[]) =>
    Promise.all(
      ['package.json', ...folders].map((part) =>
        cp(join(from, part), join(modules, to, part), {
          recursive: true,
          // Maps and declarations are of no use to a board.
          filter: (file) => !/\.(map|d\.ts)$/.test(file),
        }),
      ),
    );
  await copy(runtime.node, 'onnxruntime-node', ['dist', ...(await binariesOf(runtime, platform))]);
  await copy(runtime.common, 'onnxruntime-common', ['dist/cjs']);
  await archive(staging, 'package', path);
}

/** A folder as .tgz. Packed lightly: a board waits for it, and a local network is fast. */
async function archive(parent: string, folder: string, path: string): Promise<void> {
  const tar = spawn('tar', ['-cf', '-', '-C', parent, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [[code]] = await Promise.all([
    once(tar, 'close'),
    pipeline(tar.stdout, createGzip({ level: 1 }), createWriteStream(path)),
  ]);
  if (code !== 0) throw new Error(`tar ended with code ${code}`);
}

async function binariesOf({ node, version }: OnnxRuntime, platform: Platform): Promise<string[]> {
  const [system, architecture] = platform.split('-') as [string, string];
  const folders = (await readdir(join(node, 'bin')))
    .map((napi) => join('bin', napi, system, architecture))
    .filter((folder) => existsSync(join(node, folder)));
  if (folders.length === 0)
    throw new Error(
      `onnxruntime-node ${version} of this coordinator has no binary for ${platform}: install it again ("npm install onnxruntime-node")`,
    );
  return folders;
}

/** The newest Node.js that npm has for this platform, compared with the SHA-512 that the registry names; kept for later. */
async function nodeFromNpm(directory: string, platform: Platform): Promise<string> {
  const prefix = `node-${platform}-`;
  const have = existsSync(directory) ? (await readdir(directory)).find((name) => name.startsWith(prefix)) : undefined;
  if (have) return join(directory, have);
  try {
    const { version, integrity } = await newestOnNpm(`node-${platform}@${NODE_LINE}`);
    const name = `${prefix}${version}.tgz`;
    return await kept(directory, prefix, name, async (path) => {
      await npm('pack', `node-${platform}@${version}`, '--pack-destination', dirname(path));
      const found = `sha512-${await digestOf(path, 'sha512', 'base64')}`;
      if (found !== integrity) throw new Error(`its content has ${found}, but the registry names ${integrity}`);
    });
  } catch (error) {
    throw new Error(
      `Node.js for ${platform} cannot be had from npm: ${(error as Error).message}. Install Node.js 20 or later on the board, or let the coordinator reach the registry`,
      { cause: error },
    );
  }
}

async function newestOnNpm(specifier: string): Promise<{ version: string; integrity: string }> {
  const { stdout } = await npm('view', specifier, 'version', 'dist.integrity', '--json');
  const entry = z
    .object({ version: z.string(), 'dist.integrity': z.string().startsWith('sha512-') })
    .transform((found) => ({ version: found.version, integrity: found['dist.integrity'] }));
  // One object where one version matches, else a list in the order of versions.
  const found = z.union([entry.transform((one) => [one]), z.array(entry)]).parse(JSON.parse(stdout));
  const newest = found.at(-1);
  if (!newest) throw new Error(`the registry has no ${specifier}`);
  return newest;
}

async function describeFile(path: string): Promise<ReleaseFile> {
  return { path, sha256: await digestOf(path, 'sha256', 'hex'), bytes: (await stat(path)).size };
}

async function digestOf(path: string, algorithm: string, encoding: 'hex' | 'base64'): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  return hash.digest(encoding);
}
