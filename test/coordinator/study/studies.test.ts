/** The studies of a coordinator: found, told of, stopped, resumed, removed; what a run says, and how it ends. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import type { SpanView } from '@edgetune/shared/protocol/http.ts';
import { StudyInputError, StudyStateError } from '../../../coordinator/study/state/study-errors.ts';
import type { StudyRecord } from '../../../coordinator/study/state/study-repository.ts';
import { DatasetChangedError, DatasetError } from '../../../coordinator/training/training-service.ts';
import { standInData } from '../../../scripts/soak/stand-in-data.ts';
import { damage } from '../../support/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, until, untilAborted } from '../../support/waiting.ts';
import { fakeFleet, fakeInference, fakeTraining, studyService, untilState } from './support/fakes.ts';

const yaml = (name = 'test', more = '') => `name: ${name}
dataset: {format: synthetic-images}
devices: [pi]
budget: {minEpochs: 1, maxEpochs: 1, minDataFraction: 1}
stop: {trials: 1}
recommend: 1
${more}`;

type Service = ReturnType<typeof studyService>;

/** Studies of one trial each; the service is closed with the test. */
function studies(t: TestContext, options: Partial<Parameters<typeof studyService>[0]> = {}) {
  const log: string[] = [];
  const directory = options.directory ?? temporaryFolder(t);
  const under = studyService({ directory, log: (message) => log.push(message), ...options });
  let closed: Promise<void> | null = null;
  const close = () => {
    closed ??= under.close();
    return closed;
  };
  t.after(close);
  return { ...under, log, directory, close };
}

async function finished({ service }: Pick<Service, 'service'>, text = yaml()) {
  const { id } = await service.create(text);
  const study = await untilState(service, id, 'succeeded', 'failed');
  assert.equal(study.state, 'succeeded', study.reason ?? '');
  return id;
}

/** Training that waits until it is stopped, and says when it has begun. */
function endless() {
  const begun = new Arrival('a training');
  const training = fakeTraining({
    beforeTraining: ({ signal }) => {
      begun.come();
      return untilAborted(signal);
    },
  });
  return { training: training.service, begun };
}

const bodies = (events: readonly StudyEvent[]) => events.map(({ body }) => body);
const statesIn = (events: readonly StudyEvent[]) =>
  bodies(events).flatMap((body) => (body.type === 'study-state' ? [body.state] : []));

describe('who listens', () => {
  it('to all studies is told whenever a summary changes', async (t) => {
    const { service, close } = studies(t);
    const told: string[] = [];
    let others = 0;
    const end = service.subscribeAll(({ type, study }) => told.push(`${type} ${study.name} ${study.state}`));
    service.subscribeAll(() => others++);
    const { id, state } = await service.create(yaml());
    assert.match(id, /^s-[0-9a-f]{8}$/);
    assert.equal(state, 'queued');
    await untilState(service, id, 'succeeded', 'failed');
    const events = service.events(id, 0, 10_000);
    await close();
    const shown = bodies(events).filter(({ type }) =>
      ['study-state', 'trial-asked', 'trial-told', 'recommendation'].includes(type),
    );
    assert.equal(told.length, shown.length + 2, 'once when it is made, and once at its end');
    assert.deepEqual([told[0], told.at(-1)], ['study test queued', 'study test succeeded']);
    end();
    const before = told.length;
    const again = studies(t);
    again.service.subscribeAll(() => others++);
    assert.equal(told.length, before);
    assert.equal(others, told.length);
  });

  it('no longer is told nothing', async (t) => {
    const { service } = studies(t);
    const told: string[] = [];
    service.subscribeAll(() => told.push('all'))();
    const { training, begun } = endless();
    const second = studies(t, { training });
    const { id } = await second.service.create(yaml());
    await begun.wait();
    second.service.subscribe(id, () => told.push('one'))();
    await second.service.stop(id);
    await finished({ service });
    assert.deepEqual(told, []);
  });

  it('to a study hears each event once, in order, and its log says how it stands', async (t) => {
    const { service, log, close } = studies(t);
    const { id } = await service.create(yaml());
    const heard: number[] = [];
    service.subscribe(id, ({ seq }) => heard.push(seq));
    await untilState(service, id, 'succeeded', 'failed');
    await close();
    assert.deepEqual(
      heard,
      heard.map((_, index) => index + 2),
      'all after its making',
    );
    assert.deepEqual(log, ['study "test" running', 'study "test" succeeded']);
  });

  it('badly harms nobody else', async (t) => {
    const { service, log } = studies(t);
    const { id } = await service.create(yaml());
    service.subscribe(id, ({ body }) => {
      if (body.type === 'trial-asked') throw new Error('a broken page');
    });
    await untilState(service, id, 'succeeded', 'failed');
    assert.ok(log.includes('what happens in study "test" could not be told: a broken page'), log.join('\n'));
  });
});

describe('the studies', () => {
  it('are listed and found newest first, by id before any name', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
    const under = studies(t);
    const { service } = under;
    const first = await finished(under);
    t.mock.timers.tick(1000);
    const second = await finished(under);
    t.mock.timers.tick(1000);
    const named = await finished(under, yaml(first));
    assert.deepEqual(
      service.list().map(({ id }) => id),
      [named, second, first],
    );
    assert.deepEqual(
      ['test', first, named, 'nobody'].map((name) => service.find(name)?.id),
      [second, first, named, undefined],
    );
    assert.equal(service.find('nobody'), null);
    assert.equal(service.find(named)?.createdAt, '2026-01-01T00:00:02.000Z');
  });

  it('that were set aside are listed newest first, and not with the others', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
    const before = studies(t);
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      ids.push(await finished(before, yaml(name)));
      t.mock.timers.tick(1000);
    }
    await before.close();
    damage(before.directory, `UPDATE studies SET state = 'x' WHERE name <> 'two'`);
    const { service } = studies(t, { directory: before.directory });
    service.start();
    assert.deepEqual(
      service.setAside().map(({ name }) => name),
      ['three', 'one'],
    );
    assert.deepEqual(
      service.list().map(({ id }) => id),
      [ids[1]],
    );
  });

  it('know their devices by their ids, whatever they are called later', async (t) => {
    const fleet = fakeFleet(['orin', 'pi']);
    const inference = fakeInference();
    const { training, begun } = endless();
    const under = studies(t, { fleet: fleet.fleet, inference: inference.service, training });
    const { id } = await under.service.create(yaml());
    const [created] = bodies(under.service.events(id, 0, 1));
    assert.deepEqual(created?.type === 'study-created' && created.deviceIds, { pi: 'd-000000000001' });
    await begun.wait();
    await under.service.stop(id);
    Object.assign(fleet.fleet.devices()[0] as object, { name: 'pi' });
    Object.assign(fleet.fleet.devices()[1] as object, { name: 'renamed' });
    training.train = fakeTraining().service.train;
    await under.service.resume(id);
    assert.equal((await untilState(under.service, id, 'succeeded', 'failed')).state, 'succeeded');
    assert.deepEqual(new Set(inference.asked.map(({ device }) => device)), new Set(['pi']));
    const model = under.service.find(id)?.recommendation?.models[0];
    assert.equal(model?.devices[0]?.measurement.deviceId, 'd-000000000001');
  });

  it('are refused, and not kept, where their data set is not there', async (t) => {
    const training = fakeTraining().service;
    training.checkDataset = () => Promise.reject(new DatasetError('no folder /data'));
    const { service } = studies(t, { training });
    await assert.rejects(service.create(yaml()), (error: Error) => {
      assert.ok(error instanceof StudyInputError);
      const { issues, ...problem } = error.problem;
      assert.deepEqual(problem, { error: 'the study has a mistake', hint: 'mend the lines named and run it again' });
      assert.deepEqual(
        issues?.map(({ path, message }) => [path, message]),
        [['dataset', 'no folder /data']],
      );
      return true;
    });
    assert.deepEqual(service.list(), []);
  });

  it('are told of their data and of everything else at once, and where the data cannot be read of that', async (t) => {
    const training = fakeTraining().service;
    training.checkDataset = () => Promise.reject(new DatasetError('no folder /data'));
    const { service } = studies(t, { training });
    const pathsOf = async (text: string) => {
      const error = await service.create(text).catch((refused: Error) => refused);
      assert.ok(error instanceof StudyInputError);
      return error.problem.issues?.map(({ path }) => path).sort();
    };
    assert.deepEqual(await pathsOf(`${yaml()}colour: red\n`), ['colour', 'dataset']);
    assert.deepEqual(await pathsOf(`${yaml()}workload: sign-reader\n`), ['workload']);
  });

  it('are refused where they ask of classes that the data set does not have, with every other mistake', async (t) => {
    const { service } = studies(t);
    const text = `${yaml()}colour: red\nconstraints: ['recall."class 1" >= 0.5', 'recall.dog >= 0.5']\n`;
    const error = await service.create(text).catch((refused: Error) => refused);
    assert.ok(error instanceof StudyInputError);
    const [colour, constraint, ...more] = error.problem.issues ?? [];
    assert.deepEqual([colour?.path, constraint?.path, more], ['colour', 'constraints.1', []]);
    assert.match(constraint?.message ?? '', /^recall.dog: the data set has no class "dog": use one of class 0, /);
    assert.equal(constraint?.line, (colour?.line ?? Number.NaN) + 1);
  });

  it('give their events from where, and as many as, somebody wants them', async (t) => {
    const under = studies(t);
    const id = await finished(under);
    const seqs = (after: number, limit: number) => under.service.events(id, after, limit).map(({ seq }) => seq);
    assert.deepEqual(
      [seqs(0, 2), seqs(3, 2)],
      [
        [1, 2],
        [4, 5],
      ],
    );
    const files = await under.service.exportFiles(id);
    assert.equal(new TextDecoder().decode(files.find(({ path }) => path === 'study.yaml')?.bytes), yaml());
    for (const ask of [() => under.service.events('s-none', 0, 1), () => under.service.exportFiles('s-none')])
      assert.throws(ask, /there is no study s-none/);
  });
});

describe('at the start of a coordinator', () => {
  it('studies go on that had not come to their end, and those that were being stopped are', async (t) => {
    const { service, store } = studies(t);
    const { training, begun } = endless();
    const source = studies(t, { training });
    const { id } = await source.service.create(yaml());
    await begun.wait();
    const [created] = source.service.events(id, 0, 1);
    assert.ok(created);
    const states = ['queued', 'running', 'waiting', 'stopping', 'stopped', 'failed', 'succeeded'] as const;
    for (const state of states) {
      const record: StudyRecord = {
        ...{ id: `s-${state}`, name: state, yaml: yaml(), state, reason: null },
        ...{ createdAt: new Date().toISOString(), finishedAt: null },
      };
      await store.studies.insert(record, created.body);
    }
    service.start();
    for (const state of ['queued', 'running', 'waiting'])
      assert.equal((await untilState(service, `s-${state}`, 'succeeded', 'failed')).state, 'succeeded');
    const stopping = service.find('s-stopping');
    assert.deepEqual([stopping?.state, stopping?.reason], ['stopped', 'stopped by the user']);
    for (const state of ['stopped', 'failed', 'succeeded'] as const) {
      assert.equal(service.find(`s-${state}`)?.state, state);
      assert.equal(service.events(`s-${state}`, 0, 10).length, 1, 'nothing has happened');
    }
  });
});

describe('a study that cannot go on at the start', () => {
  it('is set aside, and not with the others', async (t) => {
    const under = studies(t);
    const id = await finished(under);
    await under.close();
    damage(under.directory, `UPDATE studies SET state = 'stopping'`);
    const { service, store } = studies(t, { directory: under.directory });
    store.studies.append = () => {
      throw new Error('the disk is full');
    };
    service.start();
    assert.deepEqual([service.list(), service.setAside().map((study) => study.id)], [[], [id]]);
    assert.match(service.setAside()[0]?.reason ?? '', /^the disk is full\. Remove it/);
  });
});

describe('a study that is stopped', () => {
  it('says that it stops, then that it stands, and nothing after that', async (t) => {
    const begun = new Arrival('a training');
    const training = fakeTraining().service;
    training.train = async (_request, onEpoch, signal) => {
      begun.come();
      await untilAborted(signal).catch(() => onEpoch({ epoch: 1, metrics: {} }));
      throw new Error('it was stopped');
    };
    const { service, log } = studies(t, { training });
    const { id } = await service.create(yaml());
    await begun.wait();
    const stopped = await service.stop(id);
    assert.deepEqual([stopped.state, stopped.reason], ['stopped', 'stopped by the user']);
    assert.ok(stopped.finishedAt);
    const events = service.events(id, 0, 10_000);
    assert.deepEqual(statesIn(events), ['running', 'stopping', 'stopped']);
    assert.ok(bodies(events).every(({ type }) => type !== 'epoch' && type !== 'training-failed'));
    assert.equal(bodies(events).at(-1)?.type, 'study-state');
    assert.deepEqual(log.slice(-2), ['study "test" stopping', 'study "test" stopped: stopped by the user']);
    const refusal = (error: Error) =>
      error instanceof StudyStateError && /"test" is stopped: only a running study/.test(error.message);
    await assert.rejects(service.stop(id), refusal);
  });

  it('has the time until it goes on as waiting, of which a new one has none', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
    const { training, begun } = endless();
    const { service } = studies(t, { training });
    const { id } = await service.create(yaml());
    await begun.wait();
    await service.stop(id);
    const spans = () =>
      bodies(service.events(id, 0, 10_000)).flatMap((body) =>
        body.type === 'span' && body.kind === 'waiting' ? [body] : [],
      );
    assert.deepEqual(spans(), []);
    t.mock.timers.tick(60_000);
    training.train = fakeTraining().service.train;
    const before = service.events(id, 0, 10_000).length;
    assert.equal((await service.resume(id)).state, 'stopped', 'until it runs');
    await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual(spans(), [
      { type: 'span', lane: 'study', kind: 'waiting', trialId: null, startMs: 0, endMs: 60_000 },
    ]);
    const [first, second] = bodies(service.events(id, before, 2));
    assert.deepEqual([first?.type, second?.type === 'study-state' && second.state], ['span', 'running']);
  });

  it('can be stopped only while it runs, and resumed only while it does not', async (t) => {
    const { training, begun } = endless();
    const { service } = studies(t, { training });
    const { id } = await service.create(yaml());
    await begun.wait();
    const stateError = (message: RegExp) => (error: Error) =>
      error instanceof StudyStateError && message.test(error.message);
    await assert.rejects(
      service.resume(id),
      stateError(/"test" is running: only a stopped or failed study can be resumed/),
    );
    await assert.rejects(service.remove(id), stateError(/"test" is running: stop it first/));
    await service.stop(id);
    training.train = fakeTraining().service.train;
    const late = new Arrival<unknown>('a stop at the end');
    service.subscribe(id, ({ body }) => {
      if (body.type === 'study-state' && body.state === 'succeeded') service.stop(id).then(late.come, late.come);
    });
    await service.resume(id);
    assert.match(String(await late.wait()), /"test" is succeeded: only a running study can be stopped/);
    await assert.rejects(
      service.resume(id),
      stateError(/"test" is succeeded, and every device has measured what it recommends: only a stopped or failed/),
    );
    await assert.rejects(service.resume('s-none'), stateError(/there is no study s-none/));
  });
});

describe('a study that fails', () => {
  it('says why, and can be resumed', async (t) => {
    const training = fakeTraining().service;
    const { train } = training;
    training.train = () => Promise.reject(new DatasetError('no folder /data'));
    const { service, log } = studies(t, { training });
    const { id } = await service.create(yaml());
    const failed = await untilState(service, id, 'failed');
    assert.equal(failed.reason, 'no folder /data');
    assert.equal(log.at(-1), 'study "test" failed: no folder /data');
    training.train = train;
    const isResumed = () => service.resume(id).then(Boolean, () => false);
    await until('the run to be over', isResumed, { everyTurn: true });
    assert.equal((await untilState(service, id, 'succeeded')).reason, null);
  });
});

describe("a study's data", () => {
  const sha = (letter: string) => letter.repeat(64);
  /** Training whose data are now those, and which refuses whoever means others. */
  function trainingOn(now: { sha256: string }) {
    const { service } = fakeTraining();
    const meant: (string | undefined)[] = [];
    const need = (dataset: { format: string }, expected: string | undefined) => {
      meant.push(expected);
      if (expected !== undefined && expected !== now.sha256) throw new DatasetChangedError(dataset, 'it is another');
    };
    const { train, exportTrained, evaluateOnnx } = service;
    Object.assign(service, {
      checkDataset: async (_: string, dataset: { format: string }, expected?: string) => {
        need(dataset, expected);
        const { evidence } = standInData({ sha256: now.sha256, notices: [{ level: 'warning', message: 'odd' }] });
        return { dataset: { ...dataset, format: 'image-folder' }, evidence: { ...evidence, isFormatFound: true } };
      },
      train: async (...[request, ...others]: Parameters<typeof train>) => {
        need(request.dataset, request.dataSha256);
        return train(request, ...others);
      },
      exportTrained: async (...[task, checkpoint]: Parameters<typeof exportTrained>) => {
        need(task.dataset, task.dataSha256);
        return exportTrained(task, checkpoint);
      },
      evaluateOnnx: async (...[task, ...others]: Parameters<typeof evaluateOnnx>) => {
        need(task.dataset, task.dataSha256);
        return evaluateOnnx(task, ...others);
      },
    });
    return { service, meant };
  }
  const found = yaml('found', '').replace('{format: synthetic-images}', '{path: /photos}');

  it('are noted when it begins, with the format that was found, and meant by all that it asks of training', async (t) => {
    const { service: training, meant } = trainingOn({ sha256: sha('a') });
    const under = studies(t, { training });
    const study = under.service.find(await finished(under, found));
    assert.deepEqual(study?.spec.dataset, { format: 'image-folder', path: '/photos' });
    assert.deepEqual([study?.data?.sha256, study?.data?.isFormatFound], [sha('a'), true]);
    assert.ok(study?.warnings.includes('the data: odd'));
    const events = bodies(under.service.events(study?.id as string, 0, 1000));
    assert.equal(events.filter(({ type }) => type === 'dataset-read').length, 1);
    // Unknown when it was made and when it began; after that it was always those.
    assert.deepEqual([...new Set(meant.slice(2))], [sha('a')]);
    assert.ok(meant.length > 5);
  });

  it('that change while it runs stop it in words; put back, it goes on and notes nothing anew', async (t) => {
    const now = { sha256: sha('a') };
    const { service: training } = trainingOn(now);
    const { train } = training;
    let trained = 0;
    training.train = (...asked) => {
      if (++trained === 2) now.sha256 = sha('b');
      return train(...asked);
    };
    const under = studies(t, { training });
    const { id } = await under.service.create(yaml().replace('{trials: 1}', '{trials: 4}'));
    const stopped = await untilState(under.service, id, 'stopped', 'succeeded', 'failed');
    assert.equal(stopped.state, 'stopped');
    assert.match(
      stopped.reason ?? '',
      /is not what the study began with: it is another\. Put it back as it was and resume/,
    );
    assert.ok(stopped.trialViews.every(({ status }) => status !== 'failed'));
    await under.service.resume(id);
    assert.equal((await untilState(under.service, id, 'stopped', 'succeeded', 'failed')).state, 'stopped');
    now.sha256 = sha('a');
    await under.service.resume(id);
    assert.equal((await untilState(under.service, id, 'stopped', 'succeeded', 'failed')).state, 'succeeded');
    const read = bodies(under.service.events(id, 0, 1000)).filter(({ type }) => type === 'dataset-read');
    assert.equal(read.length, 1);
  });
});

describe('the time of others', () => {
  it('is on the timeline of a study that runs: its own, and what concerns all', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
    const { training, begun } = endless();
    const { service, spans, close } = studies(t, { training });
    const { id } = await service.create(yaml());
    await begun.wait();
    const startMs = Date.parse('2026-01-01') + 1000;
    const busy = { kind: 'measuring', trialId: null, startMs, endMs: startMs + 500 } as const;
    spans.publish({ ...busy, studyId: id, lane: 'own' });
    spans.publish({ ...busy, studyId: 's-other', lane: 'of another' });
    spans.publish({ ...busy, studyId: null, lane: 'of all' });
    const shown = () => service.find(id)?.spans.filter(({ kind }) => kind === 'measuring') ?? [];
    const span = (lane: string): SpanView => ({ lane, kind: 'measuring', trialId: null, startMs: 1000, endMs: 1500 });
    assert.deepEqual(shown(), [span('own'), span('of all')]);
    await service.stop(id);
    spans.publish({ ...busy, studyId: id, lane: 'too late' });
    assert.equal(shown().length, 2);
    await close();
  });
});

describe('a study that starts from another', () => {
  const many = (name: string, more = '') => yaml(name, more).replace('trials: 1', 'trials: 12');
  const firstCandidate = (service: Service['service'], id: string) => service.find(id)?.trialViews[0]?.candidate;

  it('begins with what that one knew, says so, and does the same when it is resumed', async (t) => {
    const training = fakeTraining({ beforeTraining: async () => {} }).service;
    const under = studies(t, { training });
    const { service } = under;
    const first = await finished(under, many('first'));
    const plain = await finished(under, yaml('plain'));
    const { id } = await service.create(yaml('second', 'from: first\n'));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.deepEqual(study.earlier?.study, { id: first, name: 'first' });
    assert.equal(study.earlier?.trials, 12);
    assert.notDeepEqual(firstCandidate(service, id), firstCandidate(service, plain), 'it was not begun at random');
    const files = await service.exportFiles(id);
    const report = new TextDecoder().decode(files.find(({ path }) => path === 'report.md')?.bytes);
    assert.match(
      report,
      /Starts from study "first" \(s-[0-9a-f]{8}\): \d+ rungs of 12 of its trials inform the search/,
    );

    // What becomes of the first changes nothing.
    await service.remove(first);
    await under.close();
    const again = studies(t, { training, directory: under.directory });
    again.service.start();
    assert.deepEqual(again.service.find(id)?.earlier, study.earlier);
  });

  it('goes on as it would have gone on, where it was stopped in between', async (t) => {
    const deterministic = 'deterministic: true\nfrom: first\n';
    const candidates = (service: Service['service'], id: string) =>
      service.find(id)?.trialViews.map(({ candidate }) => candidate);
    let stopAt = Infinity;
    let trained = 0;
    const begun = new Arrival('the training at which it is stopped');
    const training = fakeTraining({
      beforeTraining: ({ signal }) => {
        if (++trained < stopAt) return Promise.resolve();
        begun.come();
        return untilAborted(signal);
      },
    }).service;
    const under = studies(t, { training });
    const { service } = under;
    await finished(under, many('first', 'deterministic: true\n'));
    const whole = await finished(under, many('whole', deterministic));
    [trained, stopAt] = [0, 10];
    const { id } = await service.create(many('broken', deterministic));
    await begun.wait();
    await service.stop(id);
    stopAt = Infinity;
    await service.resume(id);
    await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual(candidates(service, id), candidates(service, whole));
  });

  it('is for a device more, which is pending in what that one knew', async (t) => {
    const under = studies(t);
    const { service } = under;
    const first = await finished(under, many('first'));
    const { id } = await service.create(yaml('second', 'from: first\n').replace('[pi]', '[pi, orin]'));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.earlier?.study.id, study.earlier?.trials], ['succeeded', first, 12]);
    assert.deepEqual(study.earlier?.metrics.leftOut, ['latency.p50@orin']);
    const [created] = bodies(service.events(id, 0, 1));
    assert.ok(
      created?.type === 'study-created' && created.earlier?.told.every(({ pending }) => pending?.[0] === 'orin'),
    );
  });

  it('names one that there is, whose trials fit', async (t) => {
    const under = studies(t);
    const { service } = under;
    const refusal = async (text: string) => {
      const error = await service.create(text).catch((refused: Error) => refused);
      assert.ok(error instanceof StudyInputError, String(error));
      return error.problem.issues?.map(({ line, path, message }) => `${line} ${path}: ${message}`).join('\n') ?? '';
    };
    assert.match(await refusal(yaml('a', 'from: first\n')), /^7 from: unknown study "first": there is none$/);
    const ids = [await finished(under, yaml('first')), await finished(under, yaml('first'))];
    assert.match(await refusal(yaml('a', 'from: frist\ncolour: red\n')), /did you mean "first"\?\n8 colour: /);
    const ambiguous = await refusal(yaml('a', 'from: first\n'));
    for (const id of ids) assert.ok(ambiguous.includes(id), ambiguous);
    const onDevices = 'objectives: [minimize latency.p50]\n';
    const other = yaml('a', `from: ${ids[0]}\n${onDevices}`).replace('[pi]', '[orin]');
    assert.match(await refusal(other), /^7 from: nothing of study "first" .*latency\.p50@orin is not known/);
    assert.equal(service.list().length, 2);
  });
});

describe('a study that is extended', () => {
  const ladder = (name: string, trials: number, more = '') =>
    yaml(name, `deterministic: true\n${more}`)
      .replace('maxEpochs: 1', 'maxEpochs: 4, reductionFactor: 2')
      .replace('trials: 1', `trials: ${trials}`);

  /** Of a study that has succeeded neither checkpoints nor untrained models need be there. @returns those that are gone still */
  function withoutFiles({ service, store }: Service, id: string): Set<string> {
    const { has, put } = store.blobs;
    const gone = new Set(
      bodies(service.events(id, 0, 100_000)).flatMap((body) => {
        if (body.type === 'architecture-built') return [body.modelSha256];
        return body.type === 'training-finished' ? (body.checkpointSha256 ?? []) : [];
      }),
    );
    store.blobs.has = (sha256) => !gone.has(sha256) && has(sha256);
    store.blobs.put = async (bytes) => {
      const sha256 = await put(bytes);
      gone.delete(sha256);
      return sha256;
    };
    return gone;
  }

  it('goes on from what happened, and recommends anew', async (t) => {
    const under = studies(t);
    const { service } = under;
    const best =
      'objectives: [maximize accuracy]\nspace: {model: {width: {type: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8]}}}\ntuner: {initialCandidates: [{width: 8}]}\n';
    const id = await finished(under, ladder('test', 4, best));
    const before = service.find(id);
    const asksIn = () =>
      bodies(service.events(id, 0, 100_000)).flatMap((body) => (body.type === 'trial-asked' ? [body] : []));
    const asked = asksIn();
    await service.extend(id, { trials: 8 });
    const during = service.find(id);
    assert.deepEqual(during?.recommendation, before?.recommendation, 'the last one holds until there is another');
    assert.equal(during?.trials.planned, 8);
    const after = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(after.state, 'succeeded', after.reason ?? '');
    assert.equal(after.trials.started, 8);
    assert.deepEqual(asksIn().slice(0, asked.length), asked);
    assert.ok(asksIn().length >= asked.length + 4);
    const recommendations = bodies(service.events(id, 0, 100_000)).filter(({ type }) => type === 'recommendation');
    assert.equal(recommendations.length, 2);
    assert.equal(after.recommendation?.models[0]?.trialId, before?.recommendation?.models[0]?.trialId);
    await under.close();
    const again = studies(t, { directory: under.directory });
    again.service.start();
    assert.deepEqual([again.service.find(id)?.spec.stop.trials, again.service.find(id)?.state], [8, 'succeeded']);
  });

  it('goes on after it was stopped, and after its coordinator ended as it was extended', async (t) => {
    const { training, begun } = endless();
    const under = studies(t, { training });
    const { id } = await under.service.create(ladder('test', 2));
    await begun.wait();
    await assert.rejects(
      under.service.extend(id, { trials: 3 }),
      /is running: only one that has succeeded or was stopped/,
    );
    await under.service.stop(id);
    await under.service.extend(id, { trials: 3 });
    await under.close();
    const again = studies(t, { directory: under.directory });
    again.service.start();
    const study = await untilState(again.service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.trials.started], ['succeeded', 3]);
  });

  it('says where there is nothing more to try', async (t) => {
    const under = studies(t);
    const { service } = under;
    const id = await finished(
      under,
      ladder('test', 2).replace('{trials: 2}', '{trials: 2, target: [accuracy >= 0.01]}'),
    );
    await service.extend(id, { trials: 9 });
    const { warnings, state } = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(state, 'succeeded');
    assert.ok(
      warnings.some((warning) => /extended to 9 trials, and no trial can be started or go on/.test(warning)),
      `${warnings}`,
    );
  });

  /** Four trials on pi; the files of what was tried are gone since. */
  async function ofPi(t: TestContext, isDeterministic = true, more = '') {
    const inference = fakeInference();
    const training = fakeTraining();
    const under = studies(t, { inference: inference.service, training: training.service });
    const id = await finished(
      under,
      ladder('test', 4, `objectives: [minimize latency.p50]\nconstraints: [accuracy >= 0.05]\n${more}`).replace(
        'deterministic: true',
        `deterministic: ${isDeterministic}`,
      ),
    );
    const gone = withoutFiles(under, id);
    return { ...under, id, asked: inference.asked, trained: training.trained, gone };
  }

  for (const isDeterministic of [true, false])
    it(`by another device asks that about what was tried, and trains nothing anew (${isDeterministic ? 'deterministic' : 'as it comes'})`, async (t) => {
      const under = await ofPi(t, isDeterministic);
      const { service, id, asked, trained, gone } = under;
      const before = service.find(id);
      const [askedBefore, trainedBefore] = [asked.length, trained.length];
      const built = gone.size;
      await service.extend(id, { devices: ['orin'] });
      const study = await untilState(service, id, 'succeeded', 'failed');
      assert.equal(study.state, 'succeeded', study.reason ?? '');
      assert.equal(trained.length, trainedBefore, 'what was recommended is trained already');
      assert.deepEqual(study.devices, ['pi', 'orin']);
      const since = asked.slice(askedBefore);
      assert.ok(
        since.every(({ device }) => device === 'orin'),
        JSON.stringify(since),
      );
      const searched = since.filter(({ purpose }) => purpose === 'search').length;
      assert.equal(searched, before?.trialViews.filter(({ status }) => status === 'finished').length);
      assert.ok(built > 0 && gone.size < built, 'what is asked about is built again');
      for (const { metrics, status } of study.trialViews)
        if (status === 'finished') assert.equal(metrics['latency.p50@orin'], metrics['latency.p50@pi']);
      const [model] = study.recommendation?.models ?? [];
      assert.deepEqual(
        [model?.trialId, model?.onnxSha256, model?.devices.map(({ device }) => device)],
        [before?.recommendation?.models[0]?.trialId, before?.recommendation?.models[0]?.onnxSha256, ['pi', 'orin']],
      );
      assert.deepEqual(model?.devices[0], before?.recommendation?.models[0]?.devices[0]);
      assert.deepEqual(study.warnings, []);

      await under.close();
      const again = studies(t, { directory: under.directory });
      again.service.start();
      assert.deepEqual(again.service.find(id)?.spec.devices, ['pi', 'orin']);
      await again.service.extend(id, { trials: 6 });
      const more = await untilState(again.service, id, 'succeeded', 'failed');
      assert.deepEqual([more.state, more.trials.started, more.reason], ['succeeded', 6, null]);
    });

  it('by a device on which a limit is missed recommends what that one keeps, with what it needs trained again', async (t) => {
    const slow = fakeInference();
    const inference = {
      tune: ((request, onMeasured, signal) =>
        slow.service.tune(
          request.device.name === 'orin'
            ? { ...request, signature: `w${Number(request.signature.slice(1)) * 10}` }
            : request,
          onMeasured,
          signal,
        )) satisfies typeof slow.service.tune,
    };
    const limits = 'space: {model: {width: {type: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8]}}}\n';
    const under = studies(t, { inference });
    const id = await finished(
      under,
      ladder('test', 8, `objectives: [maximize accuracy]\nconstraints: [latency.p50 <= 45ms]\n${limits}`),
    );
    const best = (study: ReturnType<typeof under.service.find>) => study?.recommendation?.models[0]?.candidate.width;
    const before = best(under.service.find(id));
    withoutFiles(under, id);
    await under.service.extend(id, { devices: ['orin'] });
    const study = await untilState(under.service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.ok(
      study.warnings.some((warning) =>
        /^trial \d+ is trained from the beginning: its checkpoint was let go/.test(warning),
      ),
      study.warnings.join('\n'),
    );
    assert.ok(Number(before) > 4 && Number(best(study)) <= 4, `${before} before, ${best(study)} since`);
    const wide = study.trialViews.find(({ candidate }) => candidate.width === before);
    assert.ok((wide?.violation ?? 0) > 0 && !wide?.onFront);
  });

  it('is told with what it was extended by, and exports the study that it is', async (t) => {
    const { service, id } = await ofPi(t, true, '# a word of mine\n');
    await service.extend(id, { devices: ['orin'] });
    await untilState(service, id, 'succeeded', 'failed');
    await service.extend(id, { trials: 6 });
    await untilState(service, id, 'succeeded', 'failed');
    const texts = new Map(
      (await service.exportFiles(id)).map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]),
    );
    const report = texts.get('report.md') ?? '';
    assert.match(report, /Extended on \d{4}-\d\d-\d\d by orin: of the 4 trials that it had started/);
    assert.match(report, /Extended on \d{4}-\d\d-\d\d from 4 to 6 trials\./);
    const again = await service.create((texts.get('study.yaml') ?? '').replace('name: test', 'name: again'));
    const { spec, yaml: text } = service.find(again.id) as NonNullable<ReturnType<typeof service.find>>;
    assert.deepEqual([spec.stop.trials, spec.devices], [6, ['pi', 'orin']]);
    assert.match(text, /# a word of mine/);
    assert.deepEqual(spec, { ...service.find(id)?.spec, name: 'again' });
  });

  /** What was asked, and what of that was told with which training. */
  const rungsOf = ({ service }: Pick<Service, 'service'>, id: string) => {
    const happened = bodies(service.events(id, 0, 100_000));
    const asks = happened.flatMap((body) => (body.type === 'trial-asked' ? [body] : []));
    const tells = happened.flatMap((body) => (body.type === 'trial-told' ? [body] : []));
    return { asks, tells, happened };
  };

  for (const areFilesGone of [false, true])
    it(`by more epochs takes the best of its highest rung on ${areFilesGone ? 'from the beginning where its files are gone, and says so' : 'from where it stood'}`, async (t) => {
      const training = fakeTraining();
      const under = studies(t, { training: training.service });
      const { service } = under;
      const id = await finished(under, ladder('test', 4, 'objectives: [maximize accuracy] # mine\n'));
      const before = service.find(id);
      const { asks } = rungsOf(under, id);
      const trainedBefore = training.trained.length;
      if (areFilesGone) withoutFiles(under, id);
      await service.extend(id, { epochs: 16 });
      assert.deepEqual(service.find(id)?.recommendation, before?.recommendation, 'it holds until there is another');
      const study = await untilState(service, id, 'succeeded', 'failed');
      assert.equal(study.state, 'succeeded', study.reason ?? '');
      const rungs = rungsOf(under, id);
      assert.deepEqual(rungs.asks.slice(0, asks.length), asks);
      assert.deepEqual(
        rungs.asks.slice(asks.length).map(({ budget }) => budget.epochs),
        [8, 16],
      );
      const best = asks.find(({ budget }) => budget.epochs === 4)?.trialId;
      assert.ok(rungs.asks.slice(asks.length).every(({ trialId }) => trialId === best));
      assert.deepEqual(
        training.trained.slice(trainedBefore).map(({ from, to }) => [from, to]),
        areFilesGone
          ? [
              [0, 8],
              [8, 16],
            ]
          : [
              [4, 8],
              [8, 16],
            ],
      );
      const isSaid = study.warnings.some((warning) => /^trial \d+ is trained from the beginning/.test(warning));
      assert.equal(isSaid, areFilesGone, study.warnings.join('\n'));
      const [model] = study.recommendation?.models ?? [];
      assert.deepEqual([model?.trialId, model?.epochs, study.trials.started], [best, 16, 4]);

      const texts = new Map(
        (await service.exportFiles(id)).map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]),
      );
      assert.match(texts.get('report.md') ?? '', /Extended on \S+ from 4 to 16 epochs at the highest rung/);
      const again = await service.create((texts.get('study.yaml') ?? '').replace('name: test', 'name: again'));
      assert.deepEqual(service.find(again.id)?.spec, { ...study.spec, name: 'again' });
      await untilState(service, again.id, 'succeeded', 'failed');
      await under.close();
      const later = studies(t, { directory: under.directory });
      later.service.start();
      await later.service.extend(id, { trials: 8 });
      const more = await untilState(later.service, id, 'succeeded', 'failed');
      assert.deepEqual([more.state, more.trials.started, more.spec.budget.maxEpochs], ['succeeded', 8, 16]);
    });

  it('by another device builds int8 files again that alone are gone', async (t) => {
    const under = studies(t);
    const precision =
      'space: {model: {width: {type: ordinal, values: [1, 2]}}, inference: {precision: {type: categorical, choices: [float32, int8]}}}\n';
    const id = await finished(under, ladder('test', 2, precision));
    const int8Of = () =>
      rungsOf(under, id).happened.flatMap((body) =>
        body.type === 'architecture-built' && body.int8 && 'modelSha256' in body.int8 ? [body.int8.modelSha256] : [],
      );
    const { has, put } = under.store.blobs;
    const gone = new Set(int8Of());
    assert.ok(gone.size > 0);
    under.store.blobs.has = (sha256) => !gone.has(sha256) && has(sha256);
    under.store.blobs.put = async (bytes) => {
      const sha256 = await put(bytes);
      gone.delete(sha256);
      return sha256;
    };
    await under.service.extend(id, { devices: ['orin'] });
    const study = await untilState(under.service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, [...gone]], ['succeeded', []], study.reason ?? '');
  });

  it('by more epochs trains on what it recommends, where nothing else can go on', async (t) => {
    const training = fakeTraining();
    const under = studies(t, { training: training.service });
    const id = await finished(under, ladder('test', 2, 'tuner: {scheduler: none}\n'));
    const trainedBefore = training.trained.length;
    await under.service.extend(id, { epochs: 5 });
    const study = await untilState(under.service, id, 'succeeded', 'failed');
    assert.deepEqual(
      training.trained.slice(trainedBefore).map(({ from, to }) => [from, to]),
      [[4, 5]],
    );
    assert.equal(study.recommendation?.models[0]?.epochs, 5);
    assert.ok(
      study.warnings.some((warning) => /what is recommended is trained to 5 epochs all the same/.test(warning)),
      study.warnings.join('\n'),
    );
  });

  it('compares what it takes on at a rung as it was at that rung, also where it was trained to its end before', async (t) => {
    const under = studies(t);
    // Both are on the front, and stay there.
    const more =
      'parallelTrials: 1\nspace: {model: {width: {type: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8]}}}\ntuner: {initialCandidates: [{width: 4}, {width: 1}]}\n';
    const text = ladder('test', 2, more).replace('recommend: 1', 'recommend: 2');
    const id = await finished(under, text.replace('deterministic: true', 'deterministic: false'));
    const before = rungsOf(under, id).asks.length;
    await under.service.extend(id, { trials: 8 });
    await untilState(under.service, id, 'succeeded', 'failed');
    const { asks, tells, happened } = rungsOf(under, id);
    const isSame = (a: { trialId: number; rung: number }) => (b: typeof a) =>
      a.trialId === b.trialId && a.rung === b.rung;
    const twice = asks
      .slice(before)
      .filter((ask) => happened.filter((body) => body.type === 'training-finished' && isSame(ask)(body)).length > 1);
    assert.ok(twice.length > 0, 'one that was trained to its end goes on to the next rung');
    for (const ask of asks) assert.equal(tells.find(isSame(ask))?.metrics.epochs, ask.budget.epochs);
  });

  for (const [limit, unit] of [
    ['timeS', 'time'],
    ['energyJ', 'energy'],
  ] as const)
    it(`by more ${unit}, where it has ended by that, of which what it has taken counts`, async (t) => {
      const under = studies(t);
      const { service } = under;
      // A trial costs 1 s and 1 J.
      const text = yaml('test', 'deterministic: true\n').replace('{trials: 1}', `{trials: 40, ${limit}: 1.5}`);
      const id = await finished(under, text);
      const started = service.find(id)?.trials.started as number;
      assert.deepEqual(service.find(id)?.spent, { seconds: started, joules: started });
      const other = limit === 'timeS' ? 'energyJ' : 'timeS';
      await assert.rejects(
        service.extend(id, { [limit]: started }),
        new RegExp(`it has taken ${started} . already: name more ${unit} in all`),
      );
      await assert.rejects(
        service.extend(id, { [other]: 100 }),
        new RegExp(`it has no limit of \\w+ \\(stop.${other}\\)`),
      );
      await service.extend(id, { [limit]: started + 1 });
      const study = await untilState(service, id, 'succeeded', 'failed');
      assert.ok(study.trials.started > started && study.trials.started < 40, `${study.trials.started} of ${started}`);
      assert.deepEqual(study.warnings, []);
      assert.deepEqual(
        study.extensions.map((extension) => extension[limit]),
        [{ from: 1.5, to: started + 1 }],
      );
      assert.ok(study.yaml.includes(`${limit}: ${started + 1}`), study.yaml);
    });

  it('by what cannot be is refused with what can', async (t) => {
    const under = studies(t);
    const { service } = under;
    const id = await finished(under, ladder('test', 2));
    const refusals: [Parameters<typeof service.extend>[1], RegExp][] = [
      [
        {},
        /say how many trials it may start in all, more than 2, for how many epochs its highest rung trains, more than 4, .* or which other devices/,
      ],
      [{ trials: 2 }, /it may start 2 trials already: name more in all, not 2/],
      [{ trials: 9, epochs: 4 }, /its highest rung trains for 4 epochs already: name more in all, not 4/],
      [{ trials: 1, timeS: 60 }, /it may start 2 trials already.*; it has no limit of time \(stop\.timeS\)/],
      [{ devices: ['orim'] }, /the fleet has no device "orim": it has pi, orin/],
      [{ trials: 9, devices: ['orin', 'pi'] }, /pi is a device of the study already/],
    ];
    for (const [extension, words] of refusals) await assert.rejects(service.extend(id, extension), words);
    assert.equal(service.find(id)?.spec.stop.trials, 2);
    assert.deepEqual(service.find(id)?.devices, ['pi']);
    const instead = [
      ['hierarchical', /the mode hierarchical goes through phases that are over/],
      ['hyperpower', /the mode hyperpower has learned to predict its devices from its first trials/],
    ] as const;
    for (const [mode, words] of instead) {
      const other = await finished(under, ladder(mode, 2, `tuner: {mode: ${mode}}\n`));
      await assert.rejects(service.extend(other, { devices: ['orin'] }), words);
    }
  });

  it('is refused a device that cannot measure what it asks', async (t) => {
    const fleet = fakeFleet(['pi', 'orin', 'new']);
    const [pi, orin, late] = fleet.fleet.devices();
    assert.ok(pi && orin && late);
    pi.board = { powerMeter: 'usb' } as unknown as NonNullable<typeof pi.board>;
    orin.board = { powerMeter: null } as NonNullable<typeof orin.board>;
    late.board = null;
    const under = studies(t, { fleet: fleet.fleet });
    const id = await finished(under, yaml('test', 'objectives: [minimize latency.p50]\nconstraints: [power <= 9W]\n'));
    await assert.rejects(
      under.service.extend(id, { devices: ['orin', 'new'] }),
      /power cannot be measured on orin: no power meter .*; new has not joined the fleet yet/,
    );
  });
});

describe('a study that is removed', () => {
  it('is gone, and what only it needs may go', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
    const under = studies(t);
    const { service, store } = under;
    const first = await finished(under);
    t.mock.timers.tick(1000);
    const second = await finished(under);
    const model = service.find(second)?.recommendation?.models[0]?.onnxSha256 as string;
    const inUse: ReadonlySet<string>[] = [];
    store.blobs.collect = async (used) => {
      inUse.push(used);
      return 0;
    };
    assert.equal(await service.remove(second), true);
    assert.deepEqual(
      service.list().map(({ id }) => id),
      [first],
    );
    assert.equal(inUse.length, 1);
    const kept = service.find(first)?.recommendation?.models[0];
    assert.deepEqual([...(inUse[0] ?? [])].sort(), [kept?.onnxSha256, kept?.modelCardSha256].sort());
    assert.ok(model === kept?.onnxSha256 || !inUse[0]?.has(model));
    assert.equal(await service.remove('nobody'), false);
    assert.equal(inUse.length, 1);
  });

  it('is one: a name that several have is refused with their ids, or all of them go', async (t) => {
    const { training, begun } = endless();
    let isEndless = false;
    const under = studies(t, {
      training: { ...training, train: (...given) => (isEndless ? training : fakeTraining().service).train(...given) },
    });
    const { service } = under;
    const [first, second] = [await finished(under), await finished(under)];
    for (const refused of [service.remove('test'), (async () => service.only('test'))()])
      await assert.rejects(refused, (error: Error) => {
        assert.ok(error instanceof StudyStateError);
        assert.match(error.message, /^2 studies are named "test": say which by its id/);
        for (const id of [first, second]) assert.ok(error.message.includes(`${id} (succeeded, started 20`));
        return true;
      });
    assert.equal(service.list().length, 2);
    assert.equal(service.only(first)?.id, first);
    isEndless = true;
    const { id: running } = await service.create(yaml());
    await begun.wait();
    assert.equal(service.only('test', true)?.id, running, 'only one of them can be stopped');
    await assert.rejects(service.remove('test', true), /"test" is running: stop it first/);
    assert.equal(service.list().length, 3, 'all or none');
    await service.stop(running);
    assert.throws(() => service.only('test', true), /3 studies are named "test"/);
    assert.equal(await service.remove('test', true), true);
    assert.deepEqual(service.list(), []);
    assert.equal(await service.remove('test', true), false);
    assert.equal(service.only('test'), null);
  });

  it('is still there where that cannot be written', async (t) => {
    const under = studies(t);
    const { service, store } = under;
    const id = await finished(under);
    store.studies.remove = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(service.remove(id), /the disk is full/);
    assert.equal(service.find(id)?.state, 'succeeded');
    await under.close();
    damage(under.directory, `UPDATE studies SET state = 'x'`);
    const again = studies(t, { directory: under.directory });
    again.service.start();
    again.store.studies.remove = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(again.service.remove(id), /the disk is full/);
    assert.deepEqual([again.service.setAside().length, again.service.list()], [1, []]);
  });
});

describe('blobs', () => {
  it('are cleaned up after each training and at the end, and what a run needs is kept before any event names it', async (t) => {
    const training = fakeTraining().service;
    const under = studies(t, { training, otherBlobsInUse: () => ['of a bench'] });
    const { service, store } = under;
    const other = await finished(under, yaml('other'));
    const { quantise } = training;
    let int8 = '';
    training.quantise = async (task, onnx) => {
      const bytes = await quantise(task, onnx);
      int8 = createHash('sha256').update(bytes).digest('hex');
      return bytes;
    };
    const inUse: ReadonlySet<string>[] = [];
    store.blobs.collect = async (used) => {
      inUse.push(used);
      return 0;
    };
    let before: ReadonlySet<string> | undefined;
    const { evaluateOnnx } = training;
    training.evaluateOnnx = async (task, onnx, split) => {
      // The int8 file of the trained model is stored, and nothing names it.
      if (split === 'test' && createHash('sha256').update(onnx).digest('hex') === int8 && !before) {
        await service.remove(other);
        before = inUse.at(-1);
      }
      return evaluateOnnx(task, onnx, split);
    };
    const space =
      'space: {model: {width: {type: ordinal, values: [1, 2]}}, inference: {precision: {type: categorical, choices: [float32, int8]}}}';
    const id = await finished(under, yaml('test', space));
    assert.ok(before?.has(int8));
    const trainings = bodies(service.events(id, 0, 10_000)).filter(({ type }) => type === 'training-finished').length;
    await under.close();
    assert.equal(inUse.length, trainings + 2, 'and once for what was removed');
    assert.ok(inUse.every((used) => used.has('of a bench')));
  });

  it('that cannot be cleaned up end nothing', async (t) => {
    const under = studies(t);
    under.store.blobs.collect = () => Promise.reject(new Error('the disk is read-only'));
    await finished(under);
    assert.ok(under.log.includes('cleaning up blobs failed: the disk is read-only'), under.log.join('\n'));
  });
});
