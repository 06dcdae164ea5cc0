/** Models are read in a thread of their own: what takes too long or too much is refused, and others are served meanwhile. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { architectureOf, inspectModel } from '../../../../coordinator/inference/inspector/inspect-model.ts';
import {
  createModelInspector,
  type InspectorLimits,
} from '../../../../coordinator/inference/inspector/model-inspector.ts';
import { manyConditions, openImageModel, splitModel, timeFirstModel } from '../../../support/brought-models.ts';
import { turn } from '../../../support/waiting.ts';

const nothingSaid = { dimensions: {}, shapes: {}, values: {} };
const request = (model: Uint8Array) => ({ model, data: [], given: nothingSaid });

function inspector(t: TestContext, limits: InspectorLimits = {}) {
  const made = createModelInspector(limits);
  t.after(() => made.close());
  return made;
}

const refused = (code: string, message: RegExp) => (error: Error) => {
  assert.ok(error instanceof OnnxError, error.stack);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

it('a thread answers what this one would, and this one runs meanwhile', async (t) => {
  const { inspect, architectureOf: architectureThere } = inspector(t);
  const models = [openImageModel(), timeFirstModel(), manyConditions(300)];
  let turns = 0;
  const answers = models.map((model) => inspect(request(model)));
  for (let answered = false; !answered; turns++) {
    answered = await Promise.race([Promise.all(answers).then(() => true), turn().then(() => false)]);
  }
  assert.ok(turns > 1);
  assert.deepEqual(
    await Promise.all(answers),
    models.map((model) => inspectModel(request(model))),
  );
  const sizes = { time: 20 };
  assert.deepEqual(await architectureThere(timeFirstModel(), sizes), architectureOf(timeFirstModel(), sizes));
  assert.equal(await architectureThere(openImageModel(), {}), null, 'a size is missing');
});

it('20,000 conditions are read in a moment: no body copies the names of all that is around it', {
  timeout: 60_000,
}, () => {
  const { signature, fixedBatch } = inspectModel(request(manyConditions(20_000)));
  assert.match(signature, /^[0-9a-f]{64}$/);
  assert.equal(fixedBatch, null);
});

it('what takes longer than it may is refused, and the next model is read', async (t) => {
  const { inspect } = inspector(t, { longestMs: 1 });
  const slow = inspect(request(manyConditions(20_000)));
  const next = inspect(request(openImageModel()));
  await assert.rejects(slow, refused('too-large', /reading it takes more than 0.001 s/));
  await next.catch(refused('too-large', /more than 0.001 s/));
  const patient = inspector(t);
  assert.equal((await patient.inspect(request(openImageModel()))).inputs.length, 1);
});

it('what takes more memory than it may is refused, and the next model is read', async (t) => {
  const { inspect } = inspector(t, { mostHeapMb: 48 });
  await assert.rejects(inspect(request(manyConditions(60_000))), refused('too-large', /more than 48 MB of memory/));
  assert.equal((await inspect(request(openImageModel()))).inputs.length, 1);
});

it('what is wrong with a model is told by its place, as it would be here', async (t) => {
  const { inspect } = inspector(t);
  await assert.rejects(
    inspect(request(Uint8Array.of(8, 8, 0x3a, 9))),
    refused('truncated', /^byte \d+ of 4: the file ends within a field/),
  );
  const { model, data } = splitModel();
  await assert.rejects(
    inspect(request(model)),
    refused('external-data', /"weights.data" beside it: send both files together/),
  );
  const whole = await inspect({ model, data: [{ name: 'weights.data', bytes: data }], given: nothingSaid });
  assert.ok((whole.model?.length ?? 0) > model.length);
  const below = splitModel('folder/weights.data').model;
  assert.ok((await inspect({ model: below, data: [{ name: 'weights.data', bytes: data }], given: nothingSaid })).model);
});

it('that ends refuses what still waits', async (t) => {
  const made = inspector(t);
  const waiting = [made.inspect(request(manyConditions(20_000))), made.inspect(request(openImageModel()))];
  const refusals = waiting.map((each) => assert.rejects(each, /the coordinator ends/));
  await made.close();
  await Promise.all(refusals);
  await assert.rejects(made.inspect(request(openImageModel())), /the coordinator ends/);
});
