/** `edgetune-agent measure` takes models as people bring them, and says with which inputs it measured. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openImageModel, splitModel, timeFirstModel } from '../../support/brought-models.ts';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const bin = join(import.meta.dirname, '../../../agent/bin/edgetune-agent.js');
const measure = (temporary: string, ...args: string[]) =>
  runProgram(process.execPath, [bin, 'measure', '--tolerate-load', '--seconds', '0', ...args], {
    env: { ...process.env, TMPDIR: temporary },
  });

it('asks for sizes before it measures anything, and measures with those that are given', async (t) => {
  const folder = temporaryFolder(t, { 'tmp/.keep': '' });
  const temporary = join(folder, 'tmp');
  const image = join(folder, 'image.onnx');
  writeFileSync(image, openImageModel());
  const asked = await measure(temporary, image);
  assert.equal(asked.code, 2);
  assert.match(asked.err, /error: input "x", axis 2: .*--shape x=batch,3,SIZE,SIZE/);
  const { out, err } = await measure(temporary, image, '--shape', 'x=2,3,24,32', '--json');
  const { outcome, config, inputs, assumptions } = JSON.parse(out || `{"outcome": ${JSON.stringify(err)}}`);
  assert.deepEqual([outcome, config.batchSize, inputs, assumptions], ['ok', 2, { x: [2, 3, 24, 32] }, []]);
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith('edgetune-model')),
    [],
    'what it wrote is gone',
  );

  const recurrent = join(folder, 'time.onnx');
  writeFileSync(recurrent, timeFirstModel());
  const sized = await measure(temporary, recurrent, '--dimension', 'time=20', '--batch', '3');
  assert.equal(sized.code, 0, sized.err);
  assert.match(sized.out, /input x: \[20, 3, 8\]/);
});

it('reads the weights that lie beside a model, and refuses one that keeps them elsewhere', async (t) => {
  const folder = temporaryFolder(t);
  const [split, outside] = [join(folder, 'split.onnx'), join(folder, 'outside.onnx')];
  const { model, data } = splitModel();
  writeFileSync(split, model);
  writeFileSync(join(folder, 'weights.data'), data);
  writeFileSync(outside, splitModel('/etc/hostname').model);
  const measured = await measure(folder, split);
  assert.equal(measured.code, 0, measured.err);
  assert.match(measured.out, /input x: \[1, 4\]/);
  const refused = await measure(folder, outside);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /"\/etc\/hostname", which is outside its folder: nothing outside is read/);
});
