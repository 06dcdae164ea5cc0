import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { JobFailedError } from '../../../coordinator/fleet/fleet.ts';
import type { InferenceServer } from '../../../coordinator/inference/inference-server.ts';
import { StudyInputError, StudyStateError } from '../../../coordinator/study/state/study-errors.ts';
import { hastyClock } from '../../../scripts/soak/hasty-clock.ts';
import { Arrival, turn, untilAborted } from '../../support/waiting.ts';
import { fakeFleet, fakeInference, fakeTraining, studyService, untilEvent, untilState } from './support/fakes.ts';

const root = mkdtempSync(join(tmpdir(), 'edgetune-study-'));
after(() => rmSync(root, { recursive: true, force: true }));
let directories = 0;
const newDirectory = () => join(root, String(directories++));

const yaml = (more = '') => `name: test
dataset: {format: synthetic-images}
devices: [pi, orin]
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2}
stop: {trials: 6}
${more}`;

/** Names of metrics of a device that are shown of any trial. */
const namesOn = (device: string, { trialViews }: StudyDetail) =>
  trialViews.flatMap(({ metrics }) => Object.keys(metrics).filter((name) => name.endsWith(`@${device}`)));

describe('a study', () => {
  it('cleans up blobs, but none that others still need', async () => {
    const benched = 'b'.repeat(64);
    const { service, store, close } = studyService({ directory: newDirectory(), otherBlobsInUse: () => [benched] });
    const spared: ReadonlySet<string>[] = [];
    store.blobs.collect = async (inUse) => {
      spared.push(inUse);
      return 0;
    };
    const { id } = await service.create(yaml());
    await untilState(service, id, 'succeeded', 'failed');
    await close();
    assert.ok(spared.length > 0 && spared.every((inUse) => inUse.has(benched)));
  });

  it('cleans up nothing while it is not known what is needed, and goes on', async () => {
    const { service, store, close } = studyService({
      directory: newDirectory(),
      otherBlobsInUse: () => {
        throw new Error('a bench cannot be read');
      },
    });
    let collected = 0;
    store.blobs.collect = async () => {
      collected++;
      return 0;
    };
    const { id } = await service.create(yaml());
    const { state, reason } = await untilState(service, id, 'succeeded', 'failed');
    await close();
    assert.deepEqual([state, reason, collected], ['succeeded', null, 0]);
  });

  it('runs to a recommendation whose models are fully trained and measured on each device', async () => {
    const { service, close } = studyService({ directory: newDirectory() });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const models = study.recommendation?.models ?? [];
    assert.ok(models.length >= 1);
    for (const model of models) {
      assert.equal(model.epochs, 4);
      assert.equal(model.testAccuracy, Number(model.candidate.width) / 10);
      assert.deepEqual(
        model.devices.map(({ device }) => device),
        ['pi', 'orin'],
      );
      for (const { measurement } of model.devices) assert.equal(measurement.modelSha256, model.onnxSha256);
    }
    assert.equal(study.trialViews.length, 6);
    assert.equal(study.progress, 1);
    const files = (await service.exportFiles(id)).map(({ path }) => path);
    assert.ok(files.includes('report.md') && files.some((path) => path.endsWith('/model.onnx')));
    await close();
  });

  it('names the same model first however many are recommended, by what the study prefers, and says why', async () => {
    const firstOf = async (recommend: number, prefer?: string) => {
      const { service, close } = studyService({ directory: newDirectory() });
      const more = `recommend: ${recommend}\ntuner: {seed: 3, scheduler: none}\nparallelTrials: 1`;
      const { id } = await service.create(yaml(prefer === undefined ? more : `${more}\nprefer: ${prefer}`));
      const { recommendation } = await untilState(service, id, 'succeeded', 'failed');
      const report = new TextDecoder().decode(
        (await service.exportFiles(id)).find(({ path }) => path === 'report.md')?.bytes,
      );
      await close();
      assert.ok(recommendation?.why && report.includes(recommendation.why));
      const widths = recommendation.models.map(({ candidate }) => Number(candidate.width));
      return { width: widths[0] as number, widest: Math.max(...widths), why: recommendation.why };
    };
    // Accuracy and latency both grow with the width.
    const [one, three] = [await firstOf(1), await firstOf(3)];
    assert.equal(one.width, three.width);
    assert.equal(three.width, three.widest);
    assert.match(three.why, /^Accuracy leads: no other is within 1 point of trial \d+ \(/);
    const generous = await firstOf(3, 'at most 90 % of accuracy for 50 % of latency');
    assert.ok(generous.width < generous.widest);
    assert.match(generous.why, /decides is that on the validation split\.$/);
    assert.match(generous.why, /within 90 % of the best\. Among them trial \d+ is the best compromise: against/);
  });

  it('is measured while it trains: training does not wait for the boards', async () => {
    const trained = new Arrival('five trials to be trained');
    const training = fakeTraining();
    // Only the first answer comes; the others are held back until five trials have trained.
    let answers = 0;
    const inference = fakeInference({ beforeAnswer: async () => void (answers++ >= 2 && (await trained.wait())) });
    const { service, close } = studyService({
      directory: newDirectory(),
      training: training.service,
      inference: inference.service,
    });
    const { id } = await service.create(yaml());
    const end = service.subscribe(id, ({ body }) => {
      if (body.type === 'trial-told' && training.trained.length >= 5) trained.come();
    });
    const study = await untilState(service, id, 'succeeded', 'failed');
    end();
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const events = service.events(id, 0, 10_000).map(({ body }) => body);
    assert.ok(
      events.some((body) => body.type === 'trial-told' && body.predicted.length > 0),
      'a metric was predicted',
    );
    assert.ok(
      events.some((body) => body.type === 'trial-amended'),
      'and replaced by a later event',
    );
    for (const { predicted } of study.trialViews) assert.deepEqual(predicted, []);
    await close();
  });

  it('stops training an architecture that cannot meet a constraint', async () => {
    const training = fakeTraining({
      // Trials of infeasible architectures train for ever, unless they are stopped.
      beforeTraining: ({ width, signal }) => (width <= 4 ? Promise.resolve() : untilAborted(signal)),
    });
    const { service, close } = studyService({ directory: newDirectory(), training: training.service });
    const { id } = await service.create(yaml("constraints: ['latency.p99 <= 4 ms on pi']"));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const infeasible = study.trialViews.filter(({ candidate }) => Number(candidate.width) > 4);
    for (const trial of infeasible) {
      assert.equal(trial.status, 'infeasible');
      assert.match(trial.reason ?? '', /^pi: too slow/);
      assert.ok(Math.abs((trial.violation ?? 0) - (Number(trial.candidate.width) - 4) / 4) < 1e-9);
    }
    for (const model of study.recommendation?.models ?? []) assert.ok(Number(model.candidate.width) <= 4);
    await close();
  });

  it('recommends what comes nearest when nothing is feasible, and says so', async () => {
    const { service, close } = studyService({ directory: newDirectory() });
    const { id } = await service.create(yaml("constraints: ['latency.p99 <= 1 us']"));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const [nearest] = study.recommendation?.models ?? [];
    assert.deepEqual([nearest?.feasible, nearest?.misses.length], [false, 2]);
    assert.match(study.recommendation?.why ?? '', /^No model meets the constraints; these come nearest/);
    await close();
  });

  it('survives the failure of a trial, and fails when every trial fails', async () => {
    const training = fakeTraining({
      beforeTraining: ({ width }) => (width === 3 ? Promise.reject(new Error('NaN loss')) : Promise.resolve()),
    });
    const one = studyService({ directory: newDirectory(), training: training.service });
    const { id } = await one.service.create(yaml('tuner: {initialCandidates: [{width: 3}]}'));
    const study = await untilState(one.service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(study.trialViews.find(({ candidate }) => candidate.width === 3)?.reason, 'NaN loss');
    await one.close();

    const broken = fakeTraining({ beforeTraining: () => Promise.reject(new Error('no such op')) });
    const all = studyService({ directory: newDirectory(), training: broken.service });
    const created = await all.service.create(yaml('parallelTrials: 1'));
    const failed = await untilState(all.service, created.id, 'succeeded', 'failed');
    assert.equal(failed.state, 'failed');
    assert.match(failed.reason ?? '', /first 3 trials all failed; the last one: no such op/);
    await all.close();
  });

  it('waits, and says so, while none of its devices is online', async () => {
    const { fleet, setPresence } = fakeFleet(['pi', 'orin'], 'offline');
    const { service, close } = studyService({ directory: newDirectory(), fleet });
    const { id } = await service.create(yaml());
    const waiting = await untilState(service, id, 'waiting');
    assert.match(waiting.reason ?? '', /no device of the study is online: start the agent on pi, orin/);
    setPresence('pi', 'online');
    setPresence('orin', 'online');
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    await close();
  });

  it('searches on while one of its devices is away, then says whom it waits for', async () => {
    const { fleet, setPresence } = fakeFleet(['pi', 'orin']);
    setPresence('orin', 'offline');
    const online = new Arrival('orin to be back');
    const inference = fakeInference({
      beforeAnswer: ({ device }) => (device === 'orin' ? online.wait() : Promise.resolve()),
    });
    const { service, close } = studyService({ directory: newDirectory(), fleet, inference: inference.service });
    const { id } = await service.create(yaml());
    const waiting = await untilState(service, id, 'waiting');
    assert.equal(
      waiting.reason,
      'waiting for orin: start the agent there, or the study goes on without it in a few minutes',
    );
    assert.equal(waiting.trialViews.filter(({ status }) => status === 'finished').length, 6, 'all trials were trained');
    assert.deepEqual(namesOn('orin', waiting), [], 'nothing is known of it, and nothing is shown');
    setPresence('orin', 'online');
    online.come();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    await close();
  });

  it('goes on without the numbers of a device that is disturbed, tells so, and takes no architecture for infeasible', async () => {
    const whyUnfit = ({ device, purpose }: { device: string; purpose: string }) =>
      device === 'orin' && purpose === 'search' ? 'disturbed: other programs' : null;
    const { service, close } = studyService({
      directory: newDirectory(),
      inference: fakeInference({ whyUnfit }).service,
      clock: hastyClock(),
    });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(study.trialViews.filter(({ status }) => status === 'finished').length, 6);
    assert.deepEqual(namesOn('orin', study), []);
    const marked = service
      .events(id, 0, 10_000)
      .flatMap(({ body }) => (body.type === 'study-device' && body.standing === 'marked' ? [body.reason] : []));
    assert.match(
      marked[0] ?? '',
      /^orin gives no valid measurement: disturbed: other programs; it is tried again in 5 minutes/,
    );
    const [model] = study.recommendation?.models ?? [];
    assert.deepEqual(
      model?.devices.map(({ device }) => device),
      ['pi', 'orin'],
      'at the end it is tried once more',
    );
    await close();
  });

  it('recommends the best of all trials, not of those that a device had answered about', async () => {
    const answeredAbout = new Set<string>();
    const { service: sound } = fakeInference();
    const inference: InferenceServer = {
      tune: async (request, onMeasured, signal) => {
        const { device, signature, purpose } = request;
        if (device.name !== 'orin') return sound.tune(request, onMeasured, signal);
        // It answers about the last architecture alone, which is the least accurate: nothing is predicted of the others.
        if (signature === 'w1' && purpose === 'search') {
          answeredAbout.add(signature);
          return sound.tune(request, onMeasured, signal);
        }
        throw new JobFailedError('failed', 'socket hang up');
      },
    };
    const { service, close } = studyService({ directory: newDirectory(), inference, clock: hastyClock() });
    const { id } = await service.create(
      yaml(
        'parallelTrials: 1\ntuner: {scheduler: none, initialCandidates: [{width: 6}, {width: 5}, {width: 4}, {width: 3}, {width: 2}, {width: 1}]}',
      ),
    );
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.deepEqual([...answeredAbout], ['w1']);
    const [model] = study.recommendation?.models ?? [];
    assert.deepEqual([model?.candidate.width, model?.devices.length, model?.missing.length], [6, 1, 1]);
    assert.ok(study.trialViews.find(({ trialId }) => trialId === model?.trialId)?.onFront);
    await close();
  });

  it('that has ended tells so all that still waits for something of it', async () => {
    const { service: sound } = fakeInference();
    const signals: AbortSignal[] = [];
    const inference: InferenceServer = {
      tune: (request, onMeasured, signal) => {
        signals.push(signal);
        return sound.tune(request, onMeasured, signal);
      },
    };
    const { service, close } = studyService({ directory: newDirectory(), inference });
    const { id } = await service.create(yaml());
    await untilState(service, id, 'succeeded', 'failed');
    await turn();
    assert.ok(signals.length > 0);
    assert.deepEqual(
      signals.filter(({ aborted }) => !aborted),
      [],
    );
    await close();
  });

  it('recommends for the devices that answer; the rest is measured later', async () => {
    const state = { isDisturbed: true };
    const whyUnfit = ({ device }: { device: string }) =>
      device === 'orin' && state.isDisturbed ? 'disturbed: other programs' : null;
    const { service, close } = studyService({
      directory: newDirectory(),
      inference: fakeInference({ whyUnfit }).service,
      clock: hastyClock(),
    });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    for (const { devices, missing } of study.recommendation?.models ?? []) {
      assert.deepEqual(
        devices.map(({ device }) => device),
        ['pi'],
      );
      assert.deepEqual(missing, [
        { device: 'orin', reason: 'orin gives no valid measurement: disturbed: other programs' },
      ]);
    }
    assert.deepEqual(study.unmeasured, ['orin']);
    state.isDisturbed = false;
    await service.resume(id);
    const whole = await untilState(service, id, 'succeeded', 'failed');
    for (const { devices, missing } of whole.recommendation?.models ?? []) {
      assert.deepEqual(
        devices.map(({ device }) => device),
        ['pi', 'orin'],
      );
      assert.deepEqual(missing, []);
    }
    const measured = (of: typeof study) => of.recommendation?.models.map(({ devices }) => devices[0]?.measurement.id);
    assert.deepEqual(measured(whole), measured(study), 'what was measured is not measured again');
    assert.equal(
      service.events(id, 0, 10_000).filter(({ body }) => body.type === 'training-started').length,
      service.events(id, 0, 10_000).filter(({ body }) => body.type === 'training-finished').length,
    );
    await assert.rejects(service.resume(id), /every device has measured what it recommends/);
    await close();
  });

  it('waits, and says why, where no device can be measured, until one is left out or well', async () => {
    const state = { isDisturbed: true };
    const { service, close } = studyService({
      directory: newDirectory(),
      inference: fakeInference({ whyUnfit: () => (state.isDisturbed ? 'disturbed: other programs' : null) }).service,
      clock: hastyClock(),
    });
    const { id } = await service.create(yaml());
    const waiting = await untilState(service, id, 'waiting');
    assert.match(
      waiting.reason ?? '',
      /(pi|orin) gives no valid measurement: disturbed: other programs; it is tried again in/,
    );
    await assert.rejects(service.leaveOut(id, 'nano'), /study "test" has no device "nano": it has pi, orin/);
    await service.leaveOut(id, 'orin');
    await assert.rejects(service.leaveOut(id, 'orin'), /orin is left out of the study already/);
    await assert.rejects(service.leaveOut(id, 'pi'), /pi is the only device that study "test" has left/);
    state.isDisturbed = false;
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const [model] = study.recommendation?.models ?? [];
    assert.deepEqual(
      [model?.devices.map(({ device }) => device), model?.missing],
      [['pi'], [{ device: 'orin', reason: 'the study goes on without orin, as you have said' }]],
    );
    assert.deepEqual([study.unmeasured, namesOn('orin', study)], [[], []]);
    await close();
  });

  it('uses another device in the place of one, and measures on that one what is recommended', async () => {
    const { fleet, setPresence } = fakeFleet(['pi', 'orin', 'pi-2']);
    setPresence('pi', 'offline');
    const away = fakeInference({
      beforeAnswer: ({ device, signal }) =>
        device === 'pi' && idOf('pi') === bound() ? untilAborted(signal) : Promise.resolve(),
    });
    const { service, close } = studyService({ directory: newDirectory(), fleet, inference: away.service });
    const idOf = (name: string) => fleet.devices().find((device) => device.name === name)?.id;
    const { id } = await service.create(yaml());
    const bound = () => service.find(id)?.deviceViews.find(({ device }) => device === 'pi')?.deviceId;
    const waiting = await untilState(service, id, 'waiting');
    assert.equal(
      waiting.reason,
      'waiting for pi: start the agent there, or the study goes on without it in a few minutes',
    );
    await assert.rejects(service.replace(id, 'pi', 'nano'), /the fleet has no device "nano": it has pi, orin, pi-2/);
    await assert.rejects(service.replace(id, 'pi', 'orin'), /orin is a device of the study already/);
    await service.replace(id, 'pi', 'pi-2');
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    for (const { devices, missing } of study.recommendation?.models ?? []) {
      assert.deepEqual(
        devices.map(({ device, measurement }) => [device, measurement.deviceId]),
        [
          ['pi', idOf('pi-2')],
          ['orin', idOf('orin')],
        ],
      );
      assert.deepEqual(missing, []);
    }
    assert.equal(namesOn('pi', study).length > 0, true, 'also of the trials');
    await close();
  });

  it('fails with the reason when a search itself fails, instead of taking the architecture for infeasible', async () => {
    const inference = fakeInference({ beforeAnswer: () => Promise.reject(new Error('the store is full')) });
    const { service, close } = studyService({ directory: newDirectory(), inference: inference.service });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.reason], ['failed', 'the store is full']);
    assert.ok(study.trialViews.every(({ status }) => status !== 'infeasible'));
    await close();
  });

  it('stops at once, keeps what it did, and goes on from there', async () => {
    let stopped = false;
    const training = fakeTraining({
      beforeTraining: ({ signal }) =>
        training.trained.length < 3 || stopped ? Promise.resolve() : untilAborted(signal),
    });
    const { service, close } = studyService({ directory: newDirectory(), training: training.service });
    const { id } = await service.create(yaml());
    await untilEvent('three trainings', service, id, () => training.trained.length >= 3);
    assert.equal((await service.stop(id)).state, 'stopped');
    stopped = true;
    const before = training.trained.length;
    await service.resume(id);
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(study.trialViews.length, 6);
    const runs = training.trained.map(({ width, from, to }) => `${width}:${from}-${to}`);
    assert.ok(runs.length > before);
    await assert.rejects(service.resume(id), StudyStateError);
    await close();
  });

  it('goes on after the coordinator was shut down: no rung is trained twice, no trial is lost', async () => {
    const directory = newDirectory();
    const first = fakeTraining({
      beforeTraining: ({ signal }) => (first.trained.length < 4 ? Promise.resolve() : untilAborted(signal)),
    });
    const before = studyService({ directory, training: first.service });
    const { id } = await before.service.create(yaml());
    await untilEvent('four trainings', before.service, id, () => first.trained.length >= 4);
    await before.close();

    const second = fakeTraining();
    const resumed = studyService({ directory, training: second.service });
    resumed.service.start();
    const study = await untilState(resumed.service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(study.trialViews.length, 6);
    const finished = resumed.service
      .events(id, 0, 10_000)
      .flatMap(({ body }) => (body.type === 'training-finished' ? [`${body.trialId}/${body.rung}`] : []));
    assert.equal(new Set(finished).size, finished.length, `a rung was trained twice: ${finished.join(' ')}`);
    await resumed.close();
  });

  it('has the same outcome for the same seed in deterministic mode, whatever the timing', async () => {
    const outcomes = [];
    for (const delayed of [1, 2]) {
      let calls = 0;
      const slow = async () => {
        if (++calls % delayed === 0) for (let turns = 0; turns < 5; turns++) await turn();
      };
      const { service, close } = studyService({
        directory: newDirectory(),
        training: fakeTraining({ beforeTraining: slow }).service,
        inference: fakeInference({ beforeAnswer: slow }).service,
        cores: delayed,
      });
      const { id } = await service.create(yaml('deterministic: true'));
      const study = await untilState(service, id, 'succeeded', 'failed');
      assert.equal(study.state, 'succeeded', study.reason ?? '');
      const asks = service.events(id, 0, 10_000).flatMap(({ body }) => (body.type === 'trial-asked' ? [body] : []));
      const told = service.events(id, 0, 10_000).flatMap(({ body }) => (body.type === 'trial-told' ? [body] : []));
      outcomes.push({
        asks,
        told,
        models: study.recommendation?.models.map(({ trialId, candidate }) => ({ trialId, candidate })),
      });
      await close();
    }
    assert.deepEqual(outcomes[0], outcomes[1]);
  });

  it('shares cores between two studies at once', async () => {
    const { service, close } = studyService({ directory: newDirectory(), cores: 1 });
    const ids = await Promise.all(
      ['one', 'two'].map(async (name) => (await service.create(yaml().replace('test', name))).id),
    );
    for (const id of ids) assert.equal((await untilState(service, id, 'succeeded', 'failed')).state, 'succeeded');
    assert.equal(service.list().length, 2);
    await close();
  });

  it('refuses what it cannot start or do', async () => {
    const { service, close } = studyService({ directory: newDirectory() });
    await assert.rejects(
      service.create('name: x\ndevices: [nobody]\ndataset: {format: synthetic-images}'),
      StudyInputError,
    );
    await assert.rejects(service.stop('s-none'), StudyStateError);
    assert.equal(service.find('none'), null);
    await close();
  });
});
