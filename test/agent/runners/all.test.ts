import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RUNNERS } from '../../../agent/runners/all.ts';

it('each name is there once', () => assert.equal(new Set(RUNNERS.map(({ name }) => name)).size, RUNNERS.length));

it('knowing the runners loads no runtime: an agent that waits is light, and measuring with one has no other in its memory', async () => {
  const loaded = () =>
    (process.report.getReport() as unknown as { sharedObjects: string[] }).sharedObjects.filter((path) =>
      /onnxruntime/.test(path),
    );
  assert.deepEqual(loaded(), []);
  await import('onnxruntime-node');
  assert.notDeepEqual(loaded(), [], 'the list tells it');
});
