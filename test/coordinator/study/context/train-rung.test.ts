/** One rung of one trial is trained: on which cores and lane, from which checkpoint, and what is said of it. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { BY_ACCURACY, parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { int8Variant, variantsOf } from '../../../../coordinator/study/context/int8-variant.ts';
import { taskOf, trainRung } from '../../../../coordinator/study/context/train-rung.ts';
import { ChildDiedError, type TrainRequest } from '../../../../coordinator/training/training-service.ts';
import { turn } from '../../../support/waiting.ts';
import { type ContextOptions, studyContext } from '../support/context.ts';
import { asked, sha, trained } from '../support/events.ts';
import { fakeTraining, space } from '../support/fakes.ts';

const never = new AbortController().signal;
const ask = (change: Partial<Parameters<typeof trainRung>[1]> = {}) => ({ ...asked(3, { width: 5 }), ...change });

/** A study whose trainings are recorded; `during` runs in each. */
function training(options: ContextOptions = {}, during: (request: TrainRequest) => Promise<void> = async () => {}) {
  const requests: TrainRequest[] = [];
  const { service } = fakeTraining();
  const under = studyContext({
    history: [asked(3), asked(1)],
    ...options,
    training: {
      async train(request, onEpoch, signal) {
        requests.push(request);
        await during(request);
        return { ...(await service.train(request, onEpoch, signal)), cpuSeconds: 2 };
      },
    },
  });
  return { ...under, requests };
}

/** The same, where training tells of classes. */
function studyContextTold(options: ContextOptions) {
  const metrics = { f1: 0.4, 'recall.dog': 0.3, 'recall.cat': 0.1, 'precision.cat': 0.2 };
  const requests: TrainRequest[] = [];
  const { service } = fakeTraining();
  const under = studyContext({
    history: [asked(3)],
    ...options,
    training: {
      async train(request, onEpoch, signal) {
        requests.push(request);
        const outcome = await service.train(request, (report) => onEpoch({ ...report, metrics }), signal);
        return { ...outcome, metrics };
      },
    },
  });
  return { ...under, requests };
}

describe('a rung', () => {
  it('is trained for its budget, and everything that happens is an event', async () => {
    const { context, requests, emitted, blobs } = training();
    const finished = await trainRung(context, ask({ rung: 1, budget: { epochs: 2, dataFraction: 0.5 } }), never);
    assert.deepEqual(requests, [
      {
        ...{ workload: 'image-classifier', dataset: { format: 'synthetic-images' }, candidate: { width: 5 } },
        ...{ seed: 7 * 1_000_003 + 3, budget: { epochs: 2, dataFraction: 0.5 }, cores: 1, checkpoint: null },
        judgedBy: BY_ACCURACY,
      },
    ]);
    const about = { trialId: 3, rung: 1 };
    const [span] = emitted.splice(-1);
    assert.deepEqual(emitted, [
      { type: 'training-started', ...about, backend: 'fake', trainingCores: 1 },
      { type: 'epoch', ...about, epoch: 1, metrics: { accuracy: 0.25, loss: 1 } },
      { type: 'epoch', ...about, epoch: 2, metrics: { accuracy: 0.375, loss: 1 } },
      finished,
    ]);
    assert.deepEqual(finished, {
      type: 'training-finished',
      ...about,
      metrics: { accuracy: 0.375, loss: 1, epochs: 2, dataFraction: 0.5 },
      bestEpoch: 2,
      checkpointSha256: sha('0'),
      ...{ seconds: 1, cpuSeconds: 2, energyJ: 5, energySource: 'estimate' },
    });
    assert.deepEqual(JSON.parse(new TextDecoder().decode(blobs.stored[0])), { width: 5, epochs: 2 });
    assert.ok(span?.type === 'span');
    const { startMs, endMs, ...rest } = span;
    assert.deepEqual(rest, { type: 'span', lane: 'training 1', kind: 'training', trialId: 3 });
    assert.ok(startMs <= endMs && endMs <= Date.now());
  });

  it('is judged by what the study is after, and tells of single classes what the study names', async () => {
    const objectives = ['minimize latency.p50', 'maximize recall.dog', 'maximize f1'].map(parseObjective);
    const { context, requests, emitted } = studyContextTold({
      spec: { objectives, constraints: [parseConstraint('precision.cat >= 0.5')] },
    });
    const { metrics } = await trainRung(context, ask({ budget: { epochs: 1, dataFraction: 1 } }), never);
    assert.deepEqual(requests[0]?.judgedBy, parseObjective('maximize recall.dog'));
    const named = { f1: 0.4, 'recall.dog': 0.3, 'precision.cat': 0.2 };
    assert.deepEqual(metrics, { ...named, epochs: 1, dataFraction: 1 });
    const [epoch] = emitted.filter((event) => event.type === 'epoch');
    assert.deepEqual(epoch?.metrics, named);
  });

  it('begins where the last checkpoint of its trial was', async () => {
    const { context, requests } = training();
    await context.blobs.put(new TextEncoder().encode('{"width":4,"epochs":1}'));
    await context.blobs.put(new TextEncoder().encode('{"width":4,"epochs":2}'));
    const history = [
      trained(3, {}, { checkpointSha256: sha('0') }),
      trained(3, {}, { checkpointSha256: sha('1'), rung: 1 }),
      trained(3, {}, { checkpointSha256: null, rung: 2 }),
      trained(1, {}, { checkpointSha256: sha('0') }),
    ];
    context.emit(...history);
    await trainRung(context, ask(), never);
    assert.equal(new TextDecoder().decode(requests[0]?.checkpoint as Uint8Array), '{"width":4,"epochs":2}');
  });

  it('takes the cores that its candidate asks for, as far as there are so many and says where there are not, and gives them back', async () => {
    const { context, requests, of } = training({ cores: 2 });
    const taken: number[] = [];
    const { acquire } = context.cores;
    let returned = 0;
    context.cores.acquire = async (request) => {
      assert.equal(request.studyId, 's-1');
      taken.push(request.cores);
      const release = await acquire(request);
      return () => {
        returned++;
        release();
      };
    };
    await trainRung(context, ask({ candidate: { width: 1, trainingCores: 2 } }), never);
    assert.deepEqual(of('warning'), []);
    await trainRung(context, ask({ candidate: { width: 1, trainingCores: 8 } }), never);
    assert.deepEqual([taken, returned], [[2, 2], 2]);
    assert.match(
      of('warning')[0]?.message ?? '',
      /^trials with trainingCores 8 are trained on 2: training has no more/,
    );
    assert.deepEqual([requests.map(({ cores }) => cores), of('training-started').at(-1)?.trainingCores], [[2, 2], 2]);
  });

  it('has the lowest lane that is free', async () => {
    const { context, of } = training({ cores: 4 }, turn);
    const lanes = () => of('span').map(({ lane, trialId }) => `${lane}: ${trialId}`);
    context.lanes.add(2);
    await Promise.all([trainRung(context, ask(), never), trainRung(context, ask({ trialId: 1 }), never)]);
    assert.deepEqual(lanes(), ['training 1: 3', 'training 3: 1']);
    assert.deepEqual([...context.lanes], [2]);
    await trainRung(context, ask(), never);
    assert.equal(lanes().at(-1), 'training 1: 3');
  });

  it('is not begun before that is written, and ends its lane also where it fails', async () => {
    const { context, requests, of, writing } = training();
    writing.wait = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(trainRung(context, ask(), never), /the disk is full/);
    assert.deepEqual([requests, context.lanes.size, of('span').length], [[], 0, 1]);
    const release = await context.cores.acquire({ cores: 2, studyId: 's-1', signal: never });
    release();
  });

  it('is trained until its signal is aborted', async () => {
    const controller = new AbortController();
    const { context, of } = training({}, async () => controller.abort(new Error('given up')));
    await assert.rejects(trainRung(context, ask(), controller.signal), /given up/);
    assert.equal(of('training-finished').length, 0);
  });
});

test('every trial has a seed of its own, the same for each of its rungs', () => {
  const { context } = studyContext();
  const seeds = [asked(0), asked(0, {}, { rung: 1 }), asked(1)].map((of) => taskOf(context, of).seed);
  assert.deepEqual(seeds, [7_000_021, 7_000_021, 7_000_022]);
});

describe('the int8 variant', () => {
  const inference = { precision: { type: 'categorical', choices: ['float32', 'int8'] } };
  const spec = { space: { ...space, inference } };
  const onnx = new TextEncoder().encode('{"width":4}');

  it('is made, stored and kept where the study may ask for it, and else not', async () => {
    const { context, kept, blobs } = studyContext({ spec });
    const made = await int8Variant(context, onnx);
    assert.ok(made && 'onnx' in made);
    const { onnx: bytes, ...file } = made;
    assert.deepEqual(file, { signature: 'i4', modelSha256: sha('0'), modelBytes: bytes.length });
    assert.deepEqual(
      [new TextDecoder().decode(bytes), blobs.stored[0], kept],
      ['{"width":4,"int8":true}', bytes, [sha('0')]],
    );
    assert.deepEqual(variantsOf(made), { variants: { int8: file } });
    assert.equal(await int8Variant(studyContext().context, onnx), null);
  });

  it('is missing, with the reason, where a model cannot be quantised; other faults are faults', async () => {
    const failing = (name: string) =>
      studyContext({ spec, training: { quantise: () => Promise.reject(Object.assign(new Error('why'), { name })) } });
    const { context, blobs } = failing('QuantiseError');
    const none = await int8Variant(context, onnx);
    assert.deepEqual([none, blobs.stored], [{ reason: 'why' }, []]);
    assert.deepEqual(variantsOf(none), { variants: { int8: { reason: 'why' } } });
    await assert.rejects(int8Variant(failing('TypeError').context, onnx), /why/);
    assert.deepEqual([variantsOf(null), variantsOf(undefined)], [{}, {}]);
  });
});

describe('a training process that is killed', () => {
  const killed = (times: number) => {
    let left = times;
    return async () => {
      if (left-- > 0) throw new ChildDiedError('the training process ended by SIGKILL (out of memory?)');
    };
  };

  it('begins again from the last checkpoint, twice unless the study says otherwise, and that is said', async () => {
    const { context, requests, of, blobs } = training({}, killed(2));
    const checkpoint = await blobs.put(new TextEncoder().encode('{"width":5,"epochs":1}'));
    context.emit(trained(3, { epochs: 1 }, { checkpointSha256: checkpoint }));
    const finished = await trainRung(context, ask({ rung: 1, budget: { epochs: 3, dataFraction: 1 } }), never);
    assert.equal(finished.metrics.epochs, 3);
    const from = requests.map((request) => request.checkpoint && new TextDecoder().decode(request.checkpoint));
    assert.deepEqual(from, Array(3).fill('{"width":5,"epochs":1}'));
    assert.deepEqual(
      of('training-interrupted').map(({ trialId, rung, reason }) => [trialId, rung, reason]),
      [1, 2].map((time) => [
        3,
        1,
        `the training process ended by SIGKILL (out of memory?); it begins again from its last checkpoint (${time} of 2)`,
      ]),
    );
  });

  it('too often fails the rung; another error does at once', async () => {
    const often = training({ spec: { trainingRetries: 1 } }, killed(2));
    await assert.rejects(trainRung(often.context, ask(), never), ChildDiedError);
    assert.equal(often.requests.length, 2);
    const broken = training({}, () => Promise.reject(new Error('NaN loss')));
    await assert.rejects(trainRung(broken.context, ask(), never), /NaN loss/);
    assert.deepEqual([broken.requests.length, broken.of('training-interrupted')], [1, []]);
  });
});
