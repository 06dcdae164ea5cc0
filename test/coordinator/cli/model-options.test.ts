/** Commands take models as people bring them: with data beside them, and with sizes left open. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { Command } from 'commander';
import { registerProfile } from '../../../coordinator/cli/commands/profile.ts';
import { registerQuantise } from '../../../coordinator/cli/commands/quantise.ts';
import { registerSimulate, type SimulatedModel } from '../../../coordinator/cli/commands/simulate.ts';
import { openImageModel, ratedModel, splitModel, timeFirstModel } from '../../support/brought-models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Runs a command in this process. */
async function run(t: TestContext, ...commandLine: string[]): Promise<{ out: string; code: number }> {
  const program = new Command('edgetune').exitOverride();
  registerSimulate(program);
  registerQuantise(program);
  registerProfile(program);
  const lines: string[] = [];
  const writeErr = (text: string) => void lines.push(text);
  for (const command of [...program.commands, ...program.commands.flatMap((each) => [...each.commands])])
    command.exitOverride().configureOutput({ writeErr });
  const log = t.mock.method(console, 'log', (line: string) => void lines.push(line));
  try {
    await program.parseAsync(commandLine, { from: 'user' });
  } catch (error) {
    return { out: lines.join('\n'), code: (error as { exitCode?: number }).exitCode ?? assert.fail(`${error}`) };
  } finally {
    log.mock.restore();
  }
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { out: lines.join('\n'), code };
}

const simulate = async (t: TestContext, ...rest: string[]) => {
  const { out, code } = await run(t, 'simulate', '--profile', 'raspberry-pi-5', '--json', ...rest);
  return { code, results: JSON.parse(out) as SimulatedModel[] };
};

describe('a model with its weights beside it', () => {
  it('is simulated, quantised and fitted to; without them, or with them elsewhere, it is refused and others are simulated', async (t) => {
    const { model, data } = splitModel();
    const folder = temporaryFolder(t);
    const path = (name: string) => join(folder, name);
    writeFileSync(path('split.onnx'), model);
    writeFileSync(path('weights.data'), data);
    writeFileSync(path('lonely.onnx'), splitModel('lost.data').model);
    writeFileSync(path('outside.onnx'), splitModel('../weights.data').model);
    const { code, results } = await simulate(
      t,
      path('lonely.onnx'),
      path('outside.onnx'),
      path('split.onnx'),
      '--batch',
      '2',
    );
    assert.equal(code, 1);
    assert.deepEqual(
      results.map(({ error }) => error?.code),
      ['external-data', 'external-data', undefined],
    );
    assert.match(results[0]?.error?.message ?? '', /"lost.data", which is not there: copy it into/);
    assert.match(results[1]?.error?.message ?? '', /outside its folder: nothing outside is read/);
    assert.deepEqual([results[2]?.macs, results[2]?.parameters], [2 * 4 * 4, 16]);

    const quantised = await run(t, 'quantise', path('lonely.onnx'), '--out', path('q.onnx'));
    assert.deepEqual([quantised.code, /"lost.data"/.test(quantised.out)], [1, true]);
    writeFileSync(path('table.csv'), 'model,latency_ms\nsplit.onnx,1\nlonely.onnx,1\n');
    const fit = await run(
      t,
      'profile',
      'fit',
      '--base',
      'raspberry-pi-5',
      '--measurements',
      path('table.csv'),
      '--out',
      path('p.yaml'),
    );
    assert.match(fit.out, /line 3: lonely.onnx: .*"lost.data"/);
    assert.doesNotMatch(fit.out, /line 2/);
  });
});

describe('sizes that a model leaves open', () => {
  it('are asked for with the flag that gives them, and given by shape, by name or as values', async (t) => {
    const folder = temporaryFolder(t);
    const [image, recurrent, rated] = ['image.onnx', 'time.onnx', 'rated.onnx'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(image, openImageModel());
    writeFileSync(recurrent, timeFirstModel());
    writeFileSync(rated, ratedModel());
    const asked = await simulate(t, image, recurrent, rated);
    assert.deepEqual(
      asked.results.map(({ error }) => error?.code),
      ['dynamic-dimension', 'dynamic-dimension', 'invalid-shape'],
    );
    assert.match(asked.results[0]?.error?.message ?? '', /--shape x=batch,3,SIZE,SIZE/);
    assert.match(asked.results[1]?.error?.message ?? '', /--dimension time=128/);
    const sized = await simulate(t, image, '--shape', 'x=batch,3,48,192', '--batch', '2');
    assert.deepEqual(sized.results[0]?.inputs, { x: [2, 3, 48, 192] });
    const one = await simulate(t, image, '--shape', 'x=4,3,48,192');
    assert.deepEqual([one.results[0]?.config?.batchSize, one.results[0]?.inputs], [4, { x: [4, 3, 48, 192] }]);
    const other = await simulate(t, image, '--shape', 'x=4,3,48,192', '--batch', '2');
    assert.equal(other.results[0]?.error?.code, 'fixed-batch');
    const frames = await simulate(t, recurrent, '--dimension', 'time=0', '--batch', '3');
    assert.deepEqual(frames.results[0]?.inputs, { x: [0, 3, 8] });
    const given = await simulate(t, rated, '--input-value', 'rate=16000');
    assert.equal(given.code, 0);
    const unnamed = join(folder, 'unnamed.onnx');
    writeFileSync(unnamed, openImageModel([null, 3, 8, 8]));
    const { out } = await run(t, 'simulate', unnamed, '--profile', 'raspberry-pi-5');
    assert.match(out, /inputs {6}x \[1, 3, 8, 8\]/);
    assert.match(out, /assumed {5}the first axis of "x" has no name: it is taken for the batch/);
  });

  it('are for the calibration only where a model is quantised: its variant leaves them open', async (t) => {
    const folder = temporaryFolder(t);
    const [image, out] = [join(folder, 'image.onnx'), join(folder, 'int8.onnx')];
    writeFileSync(image, openImageModel(['batch', 3, 'h', 'w']));
    assert.match((await run(t, 'quantise', image, '--out', out)).out, /--dimension h=128/);
    const done = await run(t, 'quantise', image, '--out', out, '--shape', 'x=1,3,16,16');
    assert.equal(done.code, 0, done.out);
    assert.deepEqual(readOnnx(new Uint8Array(readFileSync(out))).inputs[0]?.shape, ['batch', 3, 'h', 'w']);
  });
});
