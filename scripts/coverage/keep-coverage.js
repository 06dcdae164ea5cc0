// Imported by sources that count what of them is run: writes the counts at the end of the process or thread, and before
// each message to its parent, as what has answered is often killed then.
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';

const folder = process.env.EDGETUNE_COVERAGE_FOLDER;
mkdirSync(folder, { recursive: true });
const path = join(folder, randomUUID());

function keep() {
  const counts = Object.entries(globalThis.__edgetuneCoverage__ ?? {}).map(([file, { s, f, b }]) => [
    file,
    { s, f, b },
  ]);
  // Whole or not at all: it may be killed while it writes. The half of a file is beside the folder, not in it.
  const half = `${folder}-${randomUUID()}`;
  writeFileSync(half, JSON.stringify(Object.fromEntries(counts)));
  renameSync(half, path);
}

function keepBefore(object, method) {
  const original = object?.[method];
  if (original === undefined) return;
  object[method] = (...given) => {
    keep();
    return original.apply(object, given);
  };
}

process.on('exit', keep);
keepBefore(process, 'send');
keepBefore(parentPort, 'postMessage');
