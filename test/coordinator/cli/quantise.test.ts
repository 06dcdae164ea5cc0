/** `edgetune quantise`, and what `edgetune simulate` says of both files. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { NOTHING_SAID } from '@edgetune/shared/onnx/input-options.ts';
import { Command } from 'commander';
import { registerQuantise } from '../../../coordinator/cli/commands/quantise.ts';
import { simulateModel } from '../../../coordinator/cli/commands/simulate.ts';
import { network } from '../../support/random-network.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a model is quantised from the command line; simulated, it is faster and smaller', async (t) => {
  const folder = temporaryFolder(t, {
    'float.onnx': network({ imageSize: 16, channels: 32, depth: 2, kernel: 3, pool: false }),
  });
  const [float, int8] = ['float.onnx', 'int8.onnx'].map((name) => join(folder, name)) as [string, string];
  const program = new Command('edgetune').exitOverride().configureOutput({ writeErr: () => {} });
  registerQuantise(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  const printed: string[] = [];
  t.mock.method(console, 'log', (line: string) => void printed.push(line));
  const quantise = (model: string, out: string) =>
    program.parseAsync(['quantise', model, '--out', out], { from: 'user' });
  await quantise(float, int8);
  assert.match(printed.join(), /int8.onnx: .* → .*; calibrated on random inputs: for measuring only/);

  const options = {
    profile: boardProfileNamed('raspberry-pi-5'),
    batch: 1,
    threads: 1,
    provider: 'cpu',
    ...NOTHING_SAID,
  } as const;
  const [before, after] = [float, int8].map((model) => simulateModel(model, options));
  assert.deepEqual([before?.config?.precision, after?.config?.precision], ['float32', 'int8']);
  assert.equal(after?.macs, before?.macs);
  assert.ok((after?.latencyMs ?? 0) < 0.6 * (before?.latencyMs ?? 0), `${after?.latencyMs} ms`);
  assert.ok((after?.memoryBytes ?? 0) < (before?.memoryBytes ?? 0));
  const refused = simulateModel(float, { ...options, precision: 'int8' });
  assert.equal(refused.error?.code, 'unsupported-config');
  assert.match(refused.error?.message ?? '', /computes in float32, not in int8: quantise it first/);

  await assert.rejects(quantise(int8, join(folder, 'twice.onnx')), /quantised already/);
  writeFileSync(float, 'no model');
  await assert.rejects(quantise(float, int8), /no ONNX model/);
});
