import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { Command } from 'commander';
import { registerProfile } from '../../../coordinator/cli/commands/profile.ts';
import { registerSimulate, type SimulatedModel } from '../../../coordinator/cli/commands/simulate.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { network } from '../../support/random-network.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgetune-simulate-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Runs a command in this process; returns what it printed and its exit code. */
async function run(...commandLine: string[]): Promise<{ out: string; code: number }> {
  const program = new Command('edgetune').exitOverride();
  registerSimulate(program);
  registerProfile(program);
  for (const command of [...program.commands, ...program.commands.flatMap((each) => [...each.commands])])
    command.exitOverride().configureOutput({ writeErr: () => {} });
  const lines: string[] = [];
  const { log } = console;
  const codeBefore = process.exitCode;
  console.log = (line: string) => void lines.push(line);
  process.exitCode = 0;
  try {
    await program.parseAsync(commandLine, { from: 'user' });
    return { out: lines.join('\n'), code: Number(process.exitCode) };
  } catch (error) {
    return { out: (error as Error).message, code: (error as { exitCode?: number }).exitCode ?? 99 };
  } finally {
    console.log = log;
    process.exitCode = codeBefore;
  }
}

function modelFile(name: string, channels: number, kernel: 1 | 3 = 3, pool = false, imageSize = 16): string {
  const file = join(folder, name);
  writeFileSync(file, network({ imageSize, channels, depth: 2, kernel, pool }));
  return file;
}

test('many models are simulated at once; one that is refused does not stop the others', async () => {
  const [small, large] = [modelFile('small.onnx', 8), modelFile('large.onnx', 32)];
  const broken = join(folder, 'broken.onnx');
  writeFileSync(broken, readFileSync(small).subarray(0, 300));
  const options = ['--profile', 'raspberry-pi-4', '--threads', '2', '--batch', '4', '--json'];
  const { out, code } = await run('simulate', small, broken, large, join(folder, 'none.onnx'), ...options);
  assert.equal(code, 1);
  const results = JSON.parse(out) as SimulatedModel[];
  assert.deepEqual(
    results.map(({ error }) => error?.code),
    [undefined, 'truncated', undefined, 'no-such-file'],
  );
  const [first, , third] = results;
  assert.ok((third?.latencyMs ?? 0) > (first?.latencyMs ?? 0));
  assert.equal(first?.config?.batchSize, 4);
  assert.equal(first?.simulated, true);
  assert.ok((first?.perKernel ?? []).length > 3);
});

test('what depends on the data is costed, and what was assumed of it is said', async () => {
  const model = join(folder, 'detector.onnx');
  const bytes = buildOnnx({
    nodes: [{ name: 'where', opType: 'NonZero', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', shape: [1, 4] }],
    outputs: [{ name: 'y', dataType: 7 }],
  });
  writeFileSync(model, bytes);
  const { out, code } = await run('simulate', model, '--profile', 'raspberry-pi-5');
  assert.equal(code, 0, out);
  assert.match(out, /assumed {5}how much node "where" \(NonZero\) finds depends on the data/);
});

test('a config that the board does not have is told', async () => {
  const model = modelFile('threads.onnx', 8);
  const { out, code } = await run('simulate', model, '--profile', 'raspberry-pi-5', '--threads', '9');
  assert.equal(code, 1);
  assert.match(out, /9 threads, but Raspberry Pi 5 Model B has 4 cores/);
  assert.match((await run('simulate', model, '--profile', 'toaster')).out, /no board profile "toaster"/);
});

test('a fitted profile is written, can be simulated with, and says its error and over what it was estimated', async () => {
  const truth = boardProfileNamed('raspberry-pi-4');
  const lines = ['model,threads,batch,precision,latency_ms,energy_mj,memory_bytes'];
  for (const [index, channels] of [4, 8, 12, 16, 24, 32].entries())
    for (const kernel of [1, 3] as const) {
      const name = `fit-${channels}-${kernel}.onnx`;
      const bytes = readFileSync(modelFile(name, channels, kernel, index % 2 === 0));
      const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
      const { latencyMs, netEnergyJ } = predict(truth, analyseModel(bytes, { batchSize: 1 }), config);
      lines.push(`"${name}",,1,,${latencyMs},${netEnergyJ * 1000},`);
    }
  const table = join(folder, 'table.csv');
  writeFileSync(table, lines.join('\n'));
  const out = join(folder, 'mine.yaml');
  const fit = await run('profile', 'fit', '--base', 'raspberry-pi-5', '--measurements', table, '--out', out);
  assert.equal(fit.code, 0, fit.out);
  assert.match(fit.out, /latency \d+\.\d %/);
  assert.match(fit.out, /memory {2}not measured/);
  assert.match(fit.out, /from each of \d families of networks predicted from the others, 12 measurements/);
  assert.match(fit.out, /there is only one input size, so that for another this is an estimate/);
  const fitted = parseBoardProfile(readFileSync(out, 'utf8'));
  assert.equal(fitted.name, 'mine');
  const model = modelFile('unseen.onnx', 20, 3, true, 24);
  assert.match(
    (await run('simulate', model, '--profile', out)).out,
    /the profile's latency error is [\d.]+ % on average, an estimate: each of \d families/,
  );
  const of = async (profile: string) =>
    (JSON.parse((await run('simulate', model, '--profile', profile, '--json')).out) as SimulatedModel[])[0]
      ?.latencyMs ?? 0;
  assert.ok(Math.abs((await of(out)) / (await of('raspberry-pi-4')) - 1) < 0.05);
});

test('an accelerator is fitted where the table names its provider, and has an error of its own', async () => {
  const truth = boardProfileNamed('jetson-nano');
  const lines = ['model,provider,latency_ms'];
  for (const channels of [4, 8, 16]) {
    const bytes = readFileSync(modelFile(`gpu-${channels}.onnx`, channels));
    const config = inferenceConfigSchema.parse({
      batchSize: 1,
      threads: 1,
      executionProvider: 'cuda',
      runner: 'onnxruntime-python',
    });
    const { latencyMs } = predict(truth, analyseModel(bytes, { batchSize: 1 }), config);
    lines.push(`gpu-${channels}.onnx,cuda,${latencyMs * 1.2}`);
  }
  const table = join(folder, 'gpu.csv');
  writeFileSync(table, lines.join('\n'));
  const out = join(folder, 'gpu.yaml');
  const fit = await run('profile', 'fit', '--base', 'jetson-nano', '--measurements', table, '--out', out, '--json');
  assert.equal(fit.code, 0, fit.out);
  const { backends, error } = parseBoardProfile(readFileSync(out, 'utf8'));
  assert.deepEqual(error, truth.error);
  assert.deepEqual(backends[0], truth.backends[0]);
  const gpu = backends.find(({ executionProvider }) => executionProvider === 'cuda');
  assert.deepEqual(gpu?.error, JSON.parse(fit.out).crossValidated);
  assert.equal(gpu?.error?.latencyMape, truth.backends[1]?.error?.latencyMape);
});

test('every mistake in a table is listed with its line', async () => {
  const table = join(folder, 'wrong.csv');
  writeFileSync(table, 'model,threads,batch,latency_ms\nnone.onnx,1,1,5\n,zero,1,5\n');
  const fit = ['profile', 'fit', '--base', 'raspberry-pi-5', '--out', join(folder, 'x.yaml'), '--measurements'];
  const { out, code } = await run(...fit, table);
  assert.equal(code, 1);
  assert.match(out, /line 2: none\.onnx: ENOENT/);
  assert.match(out, /line 3: model: .*; threads: /);
  writeFileSync(table, 'a,b\n1,2\n');
  assert.match((await run(...fit, table)).out, /first line must name the columns model, threads/);
});
