/** What is heavy is loaded by the processes that need it: no file that is imported at a start reaches it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** What the file imports as it is loaded: neither types nor what is imported later. */
function staticImportsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statements = text.matchAll(/(?:^|\n)(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/g);
  return [...statements].map(([, specifier]) => specifier as string);
}

/** Every package and file that is loaded with this file, and by which file. */
function loadedWith(file: string, found = new Map<string, string>()): Map<string, string> {
  for (const specifier of staticImportsOf(file)) {
    const own = specifier.startsWith('@edgetune/')
      ? specifier.replace('@edgetune/', '')
      : specifier.startsWith('.')
        ? relative(root, join(root, dirname(file), specifier))
        : null;
    const name = own ?? specifier;
    if (found.has(name)) continue;
    found.set(name, file);
    if (own?.endsWith('.ts')) loadedWith(own, found);
  }
  return found;
}

const heavyOnes = (file: string, heavy: RegExp) =>
  [...loadedWith(file)].filter(([name]) => heavy.test(name)).map(([name, by]) => `${by} imports ${name}`);

it('a coordinator starts, checks studies and prints help without TensorFlow and without ONNX Runtime', () => {
  const heavy = /^(@tensorflow\/|onnxruntime-node)/;
  assert.ok(loadedWith('coordinator/main.ts').has('coordinator/training/workloads/image-classifier.ts'));
  for (const file of ['coordinator/main.ts', 'coordinator/cli/main.ts']) assert.deepEqual(heavyOnes(file, heavy), []);
});
