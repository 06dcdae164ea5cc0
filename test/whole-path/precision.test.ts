/** Precision as a parameter, with nothing replaced: int8 variants are quantised, measured on boards, chosen, handed out. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { renderRecommendation } from '../../coordinator/cli/render/recommendation.ts';
import { ask } from '../support/ask.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { coordinatorIn, joinAgents, smallStudy, untilEnded } from './support/system.ts';

const PRECISIONS = 'precision: {type: categorical, choices: [float32, int8]}';

it('a study searches precision on this machine and a simulated board, and recommends it with both files', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder, { minDurationMs: 30, minRuns: 10 });
  const client = createClient({ server: coordinator.url });
  // Other tests run meanwhile.
  const agents = { here: ['--tolerate-load'], pi: ['--simulate', 'raspberry-pi-5'] };
  await joinAgents(t, coordinator, folder, agents);
  const yaml = smallStudy(['here', 'pi'], 'quantisation: {maxAccuracyDrop: 0.2}')
    .replace(/inference: .*/, `inference: {${PRECISIONS}, batchSize: {type: ordinal, values: [1, 2]}}`)
    // Wide enough for integer kernels to be worth their price on the simulated board.
    .replace('values: [4, 6]', 'values: [24, 32]')
    .replace('[residual, separable]', '[residual]');
  const { id } = await client.createStudy(yaml);
  const study = await untilEnded(coordinator.url, id);
  assert.equal(study.state, 'succeeded', `${study.reason}\n${coordinator.log.join('\n')}`);
  assert.deepEqual(study.warnings, []);

  const [model] = study.recommendation?.models ?? [];
  assert.ok(model?.quantised && 'onnxSha256' in model.quantised);
  const { onnxSha256, onnxBytes, validationAccuracy } = model.quantised;
  t.diagnostic(
    `test accuracy ${model.testAccuracy} in float32, ${model.quantised.testAccuracy} in int8; ${model.onnxBytes} and ${onnxBytes} bytes`,
  );
  assert.ok(validationAccuracy > model.validationAccuracy - 0.1, 'the variant has learnt what the model has');
  assert.ok(onnxBytes < 0.5 * model.onnxBytes, `${onnxBytes} of ${model.onnxBytes} bytes`);
  const file = async (sha256: string) =>
    readOnnx(new Uint8Array(await (await ask(`${coordinator.url}/api/blobs/${sha256}`)).arrayBuffer()));
  const [float, int8] = [await file(model.onnxSha256), await file(onnxSha256)];
  assert.deepEqual([graphPrecision(float), graphPrecision(int8)], ['float32', 'int8']);
  assert.equal(int8.metadata.get('edgetune.input.layout'), 'NCHW');

  for (const { device, config, measurement, alternatives, precisionReason } of model.devices) {
    t.diagnostic(`${device}: ${config.precision}, ${precisionReason}`);
    assert.ok(precisionReason, device);
    // Each precision was measured on this device, with the trained file of that precision.
    const measured = new Map([measurement, ...alternatives].map((each) => [each.config.precision, each]));
    assert.equal(measured.get('float32')?.modelSha256, model.onnxSha256, device);
    assert.equal(measured.get('int8')?.modelSha256, onnxSha256, device);
    assert.notEqual(measured.get('float32')?.signature, measured.get('int8')?.signature);
  }
  const pi = model.devices.find(({ device }) => device === 'pi');
  assert.equal(pi?.config.precision, 'int8', 'the profile says that 8-bit work is several times as fast');
  assert.match(renderRecommendation(study), /In int8: test accuracy/);
});
