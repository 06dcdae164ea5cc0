/**
 * Lines and branches that tests run, by folder: `npm run coverage [-- FOLDER …] [--jobs 2] [--json FILE]`. Without a folder
 * the rooms of all packages by all tests; with folders each by its own tests, those below `test/FOLDER`. The page
 * (`coordinator/dashboard`) is run in a browser and is not counted.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from './bench/support.ts';
import { measureCoverage } from './coverage/measure.ts';
import { roomCoverage, roomRow } from './coverage/rooms.ts';
import { filesBelow, readSourceFolder, type SourceFolder } from './test-processes/source-folder.ts';

const root = join(import.meta.dirname, '..');
const NO_ROOMS: ReadonlySet<string> = new Set(['bin', 'dist', 'node_modules', 'dashboard']);

function allRooms(): SourceFolder[] {
  return ['shared', 'agent', 'coordinator'].flatMap((name) =>
    readdirSync(join(root, name), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !NO_ROOMS.has(entry.name))
      .map((entry) => `${name}/${entry.name}`)
      .filter((folder) => filesBelow(root, folder, /\.ts$/).length > 0)
      .map((folder) => readSourceFolder(root, folder)),
  );
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '2' }, json: { type: 'string' } },
});
const jobs = Number(values.jobs);
if (!Number.isSafeInteger(jobs) || jobs < 1) {
  console.error(`--jobs is a whole number of at least 1, not ${values.jobs}`);
  process.exit(2);
}

const controller = new AbortController();
// The test processes are in groups of their own, which a key pressed here does not reach.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort());

let rooms: SourceFolder[];
try {
  rooms = positionals.length === 0 ? allRooms() : positionals.map((folder) => readSourceFolder(root, folder));
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
const testFiles =
  positionals.length === 0 ? filesBelow(root, 'test', /\.test\.ts$/) : rooms.flatMap((room) => room.testFiles);
let done = 0;
const { map, failures } = await measureCoverage({
  root,
  sources: new Map(rooms.flatMap(({ sources }) => [...sources])),
  testFiles: [...new Set(testFiles)],
  jobs,
  signal: controller.signal,
  onFile: (file, result) => {
    done += 1;
    console.log(`${done}/${testFiles.length}  ${result}  ${file}`);
  },
});
const measured = rooms.map(({ folder }) => roomCoverage(map, folder));
const whose = positionals.length === 0 ? 'all tests' : 'the own tests of the folders named';
console.log(`\nCoverage by ${whose}\n${formatTable(measured.map(roomRow))}`);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ by: whose, rooms: measured, failures }, null, 2)}\n`);
for (const { file, why } of failures) console.error(`\n${file} fails, and counts only until then.\n${why}`);
if (controller.signal.aborted) console.error(`\nStopped after ${done} of ${testFiles.length} test files.`);
process.exitCode = failures.length > 0 || controller.signal.aborted ? 1 : 0;
