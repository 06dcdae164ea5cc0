import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RUNNERS } from '../../../agent/runners/all.ts';
import { runProgram } from '../../support/programs.ts';

it('each name is there once', () => assert.equal(new Set(RUNNERS.map(({ name }) => name)).size, RUNNERS.length));

it('knowing the runners loads no runtime: an agent that waits is light, and measuring with one has no other in its memory', async () => {
  const list = new URL('../../../agent/runners/all.ts', import.meta.url).href;
  const code = `
    const loaded = () => process.report.getReport().sharedObjects.filter((path) => path.includes('onnxruntime')).length;
    const { RUNNERS } = await import(${JSON.stringify(list)});
    const before = loaded();
    await import('onnxruntime-node');
    console.log(JSON.stringify([RUNNERS.length, before, loaded() > 0]));`;
  const { out, err } = await runProgram(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]);
  assert.deepEqual(JSON.parse(out || 'null'), [RUNNERS.length, 0, true], err);
});
