/** Studies on a full disk: they wait, say so, and go on by themselves with nothing lost. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { StudyStateError } from '../../../coordinator/study/state/study-errors.ts';
import { fullDisk } from '../../support/full-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, PROCESS_S, turn, until } from '../../support/waiting.ts';
import { fakeTraining, studyService, untilState } from './support/fakes.ts';

const yaml = `name: test
dataset: {format: synthetic-images}
devices: [pi, orin]
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2}
stop: {trials: 6}
parallelTrials: 1
`;
const FULL = /^the disk is full: .*edgetune\.db could not be written\. Free some space/;

/** A study whose second training waits until the test lets it go on, on a disk that the test fills. */
async function inTheMiddle(t: TestContext) {
  const directory = temporaryFolder(t);
  const disk = fullDisk(t);
  const begun = new Arrival('the second training to begin');
  const goOn = new Arrival('the word to go on');
  const trainings: string[] = [];
  const training = fakeTraining({
    beforeTraining: async ({ width, epochs }) => {
      trainings.push(`${width} to ${epochs}`);
      if (trainings.length !== 2) return;
      begun.come();
      await goOn.wait(PROCESS_S);
    },
  });
  const log: string[] = [];
  const under = studyService({ directory, training: training.service, log: (line) => log.push(line) });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await under.close();
    isOpen = false;
  };
  t.after(close);
  const { service, store } = under;
  const { id } = await service.create(yaml);
  await begun.wait();
  await store.jobs.written();
  /** Fills the disk, and lets the training end: what comes of it cannot be written. */
  const fill = async () => {
    disk.fill();
    goOn.come();
    await untilState(service, id, 'waiting');
  };
  return { service, directory, id, disk, fill, close, log, trainings, written: () => store.studies.events(id) };
}

describe('a study on a full disk', () => {
  it('waits with the reason, trains nothing more, and goes on by itself with nothing lost', async (t) => {
    const { service, id, disk, fill, trainings, written, directory, close } = await inTheMiddle(t);
    const before = written();
    const told: number[] = [];
    service.subscribe(id, ({ seq }) => told.push(seq));
    const announced: string[] = [];
    service.subscribeAll(({ study }) => announced.push(`${study.state}: ${study.reason}`));
    await fill();
    for (let time = 0; time < 500; time++) await turn();
    const waiting = service.find(id);
    assert.match(waiting?.reason ?? '', FULL);
    assert.deepEqual([service.list()[0]?.state, service.list()[0]?.reason], ['waiting', waiting?.reason]);
    assert.match(announced.at(-1) ?? '', /^waiting: the disk is full/);
    assert.equal(trainings.length, 2, 'what is not written yet is not acted upon');
    assert.deepEqual([told, written()], [[], before], 'nor told');
    disk.makeSpace();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(new Set(trainings).size, trainings.length, 'nothing is trained twice');
    const events = written();
    assert.deepEqual(
      [...before.map(({ seq }) => seq), ...told],
      events.map((_, index) => index + 1),
      'each was told once, in order',
    );
    assert.ok(!events.some(({ body }) => body.type === 'study-state' && body.state === 'waiting'), 'it is no event');
    await close();
    const again = studyService({ directory });
    t.after(again.close);
    again.service.start();
    assert.deepEqual(again.service.find(id), study);
  });

  it('names as its last event the last that is on the disk', async (t) => {
    const { service, id, fill, written } = await inTheMiddle(t);
    const before = written().length;
    await fill();
    const study = service.find(id);
    assert.equal(study?.lastSeq, before, 'who follows from there misses none');
    assert.ok((study?.trialViews.at(-1)?.curve.length ?? 0) > 0, 'what has happened since is shown all the same');
  });

  it('is stopped as soon as that can be written, and who stops it hears so at once', async (t) => {
    const { service, id, disk, fill } = await inTheMiddle(t);
    await fill();
    const stopping = await service.stop(id);
    assert.equal(stopping.state, 'stopping');
    assert.match(stopping.reason ?? '', /^it is stopped when that can be written: the disk is full/);
    assert.equal(stopping.finishedAt, null);
    assert.equal((await service.stop(id)).state, 'stopping', 'also who asks again');
    await assert.rejects(service.resume(id), /is stopping: only a stopped or failed study can be resumed/);
    await assert.rejects(
      service.remove(id),
      (error) =>
        error instanceof StudyStateError &&
        /is stopping: remove it when it stands \(.*disk is full/.test(error.message),
    );
    disk.makeSpace();
    const stopped = await untilState(service, id, 'stopped');
    assert.equal(stopped.reason, 'stopped by the user');
    await until('the run to end', () =>
      service.resume(id).then(
        () => true,
        () => false,
      ),
    );
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.trialViews.length], ['succeeded', 6]);
  });

  it('ends with its coordinator at once; the next start goes on from what is on the disk', async (t) => {
    const { directory, id, disk, fill, close, log, written } = await inTheMiddle(t);
    await fill();
    const before = written();
    const ended = log.length;
    await close();
    await turn();
    assert.deepEqual(log.slice(ended), [], 'that it goes on later is no fault');
    disk.makeSpace();
    const again = studyService({ directory });
    t.after(again.close);
    assert.deepEqual(again.store.studies.events(id), before);
    again.service.start();
    const study = await untilState(again.service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.trialViews.length], ['succeeded', 6]);
  });

  it('is not begun: who asks for it is told why, and it is in no list', async (t) => {
    const disk = fullDisk(t);
    const { service, close } = studyService({ directory: temporaryFolder(t) });
    t.after(close);
    disk.fill();
    await assert.rejects(service.create(yaml), (error) => error instanceof NotWrittenError && FULL.test(error.message));
    assert.deepEqual(service.list(), []);
  });
});

describe('a study whose checkpoint cannot be stored', () => {
  /** A study that runs into the quota, or a full disk, with its blobs. */
  async function started(t: TestContext) {
    const log: string[] = [];
    const under = studyService({ directory: temporaryFolder(t), log: (line) => log.push(line) });
    t.after(under.close);
    const { service, store } = under;
    const { put, collect } = store.blobs;
    const blobs = { isFull: true, refused: 0, collected: [] as unknown[] };
    t.mock.method(store.blobs, 'put', async (bytes: Uint8Array) => {
      if (!blobs.isFull) return put(bytes);
      blobs.refused++;
      throw new NotWrittenError('quota', 'the quota for models and checkpoints is reached');
    });
    t.mock.method(store.blobs, 'collect', (inUse: ReadonlySet<string>, options?: object) => {
      blobs.collected.push(options);
      return collect(inUse, options);
    });
    const { id } = await service.create(yaml);
    await untilState(service, id, 'waiting');
    return { service, id, blobs, log };
  }

  it('keeps it, says what it waits for, makes room, and goes on by itself', async (t) => {
    const { service, id, blobs, log } = await started(t);
    assert.equal(service.find(id)?.reason, 'the quota for models and checkpoints is reached');
    await until('a clean-up of all that nothing needs', () =>
      blobs.collected.some((options) => (options as { all?: boolean }).all),
    );
    await until('it to be tried again', () => blobs.refused > 3);
    blobs.isFull = false;
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.trials.failed], ['succeeded', 0], study.reason ?? '');
    const said = log.filter((line) => /waits|goes on$/.test(line));
    assert.deepEqual(
      said.map((line) => line.replace(/^study "test" /, '')),
      ['waits: the quota for models and checkpoints is reached. It goes on by itself', 'goes on'],
    );
  });

  it('can be stopped meanwhile', async (t) => {
    const { service, id } = await started(t);
    assert.equal((await service.stop(id)).state, 'stopped');
  });
});

describe('a study on a machine whose folder for temporary files is full', () => {
  it('waits for it, and leaves out no int8 variant', async (t) => {
    const { service: fake } = fakeTraining();
    const temporary = { isFull: true, refused: 0 };
    const quantise: typeof fake.quantise = async (...asked) => {
      if (!temporary.isFull) return fake.quantise(...asked);
      temporary.refused++;
      throw new NotWrittenError('disk-full', 'the disk is full: /tmp could not be written');
    };
    const { service, close } = studyService({ directory: temporaryFolder(t), training: { ...fake, quantise } });
    t.after(close);
    const int8 = `space: {model: {width: {type: ordinal, values: [1, 2, 3]}}, training: {}, inference: {precision: {type: categorical, choices: [float32, int8]}}}\n`;
    const { id } = await service.create(yaml + int8);
    const waiting = await untilState(service, id, 'waiting', 'failed');
    assert.equal(waiting.reason, 'the disk is full: /tmp could not be written');
    temporary.isFull = false;
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.deepEqual([study.state, study.warnings, study.trials.failed], ['succeeded', [], 0], study.reason ?? '');
    assert.ok(temporary.refused > 0);
  });
});

describe('those who listen to a study', () => {
  it('hear of it also where another of them throws', async (t) => {
    const log: string[] = [];
    const { service, close } = studyService({ directory: temporaryFolder(t), log: (line) => log.push(line) });
    t.after(close);
    const heard: number[] = [];
    service.subscribeAll(() => assert.fail('a broken page'));
    const { id } = await service.create(yaml);
    service.subscribe(id, () => assert.fail('another broken page'));
    service.subscribe(id, ({ seq }) => heard.push(seq));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded');
    await until('all to be told', () => heard.at(-1) === study.lastSeq);
    assert.ok(log.some((line) => line.includes('could not be told: another broken page')));
    assert.ok(log.some((line) => line.includes('could not be told: a broken page')));
  });
});

describe('a coordinator that ends', () => {
  it('begins no study any more', async (t) => {
    const { service, close } = studyService({ directory: temporaryFolder(t) });
    t.after(close);
    await service.close();
    await assert.rejects(service.create(yaml), { name: 'ShutdownError' });
  });
});
