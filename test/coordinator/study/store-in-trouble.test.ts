/** A study whose events cannot be written for a while, or at all. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { damage } from '../../support/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, event, PROCESS_S, turn, until } from '../../support/waiting.ts';
import { fakeTraining, studyService, untilState } from './support/fakes.ts';

const yaml = `name: test
dataset: {format: synthetic-images}
devices: [pi, orin]
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2}
stop: {trials: 6}
parallelTrials: 1
`;

/** Another process that holds the database of this directory; answers the function by which it lets go. */
async function hold(t: TestContext, directory: string): Promise<() => Promise<void>> {
  const program = join(import.meta.dirname, '../../support/holding-child.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, join(directory, 'edgetune.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await event('the other process to hold the database', child.stdout, 'data', PROCESS_S);
  const exited = event('the other process to end', child, 'exit', PROCESS_S);
  return async () => {
    child.stdin.write('let go\n');
    await exited;
  };
}

/** A study whose second training waits until the test lets it go on. */
async function stoppedInTheMiddle(t: TestContext) {
  const directory = temporaryFolder(t);
  const begun = new Arrival('the second training to begin');
  const goOn = new Arrival('the word to go on');
  let trainings = 0;
  const training = fakeTraining({
    beforeTraining: async () => {
      trainings++;
      if (trainings !== 2) return;
      begun.come();
      await goOn.wait(PROCESS_S);
    },
  });
  const log: string[] = [];
  const under = studyService({ directory, training: training.service, log: (message) => log.push(message) });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await under.close();
    isOpen = false;
  };
  t.after(close);
  const isClosed = () => {
    isOpen = false;
  };
  const { id } = await under.service.create(yaml);
  await begun.wait();
  await under.store.jobs.written();
  const written = () => under.store.studies.events(id);
  return {
    ...under,
    close,
    isClosed,
    directory,
    id,
    goOn: goOn.come,
    trained: training.trained,
    trainings: () => trainings,
    written,
    log,
  };
}

describe('a study whose database another process holds', () => {
  it('begins nothing new, lets others work, and goes on with nothing lost when it is free', async (t) => {
    const { service, directory, id, goOn, trained, trainings, written, close } = await stoppedInTheMiddle(t);
    const letGo = await hold(t, directory);
    const before = written();
    const told: number[] = [];
    service.subscribe(id, ({ seq }) => told.push(seq));
    goOn();
    await until('the second training', () => trained.length === 2);
    for (let time = 0; time < 500; time++) await turn();
    assert.equal(trainings(), 2, 'what is not written yet is not acted upon');
    assert.deepEqual(told, [], 'nor told');
    assert.deepEqual(written(), before);
    const known = service.find(id)?.trialViews.flatMap(({ curve }) => curve).length ?? 0;
    const epochs = before.filter(({ body }) => body.type === 'epoch').length;
    assert.ok(known > epochs, 'it is known here all the same');
    assert.equal(service.find(id)?.lastSeq, before.length);
    await letGo();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const events = written();
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    );
    assert.deepEqual(
      told,
      events.slice(before.length).map(({ seq }) => seq),
      'each was told once, in order',
    );
    await close();
    const again = studyService({ directory });
    t.after(again.close);
    again.service.start();
    assert.deepEqual(again.service.find(id), study, 'what is on the disk amounts to what was known');
  });

  it('ends with its coordinator without waiting for it; at the next start it goes on', async (t) => {
    const { service, store, directory, id, goOn, isClosed, trained } = await stoppedInTheMiddle(t);
    const letGo = await hold(t, directory);
    goOn();
    await until('the training to end', () => trained.length === 2);
    await until('an event that waits', () => store.jobs.written() !== null);
    await service.close();
    await letGo();
    store.close();
    isClosed();
    const again = studyService({ directory });
    t.after(again.close);
    again.service.start();
    const study = await untilState(again.service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.equal(study.trialViews.length, 6);
  });
});

describe('a study whose events cannot be written', () => {
  const refuse = `CREATE TRIGGER refuse BEFORE INSERT ON study_events BEGIN SELECT RAISE(ABORT, 'no more events'); END`;

  it('fails with the reason, stands where the disk has it, and can be resumed from there', async (t) => {
    const { service, directory, id, goOn, trained, written, log } = await stoppedInTheMiddle(t);
    const before = written();
    damage(directory, refuse);
    goOn();
    const isLogged = () => log.some((line) => /ended by a fault of EdgeTune: .*no more events/.test(line));
    await until('that its end could not be written', isLogged);
    const study = service.find(id);
    assert.deepEqual([study?.state, /no more events/.test(study?.reason ?? '')], ['failed', true], study?.reason ?? '');
    assert.equal(study?.lastSeq, before.length, 'what was not written is forgotten');
    assert.deepEqual(written(), before);
    damage(directory, 'DROP TRIGGER refuse');
    await service.resume(id);
    const resumed = await untilState(service, id, 'succeeded');
    assert.equal(resumed.trialViews.length, 6);
    const events = written();
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    );
    const rungs = trained.map(({ width, from, to }) => `${width}: ${from} to ${to}`);
    const twice = rungs.filter((rung, index) => rungs.indexOf(rung) !== index);
    assert.ok(twice.length <= 1, `only what was not written is trained again: ${rungs}`);
  });

  it('is shown as failed, and can be resumed, also where nothing can be read or written when it ends', async (t) => {
    const { service, store, id, goOn, log } = await stoppedInTheMiddle(t);
    const append = t.mock.method(store.studies, 'append', () => {
      throw new Error('the disk cannot be read');
    });
    goOn();
    await until('its end', () =>
      log.some((line) => /ended by a fault of EdgeTune: the disk cannot be read/.test(line)),
    );
    const study = service.find(id);
    assert.equal(study?.state, 'failed');
    assert.match(study?.reason ?? '', /the disk cannot be read|trials all failed/);
    append.mock.restore();
    await service.resume(id);
    assert.equal((await untilState(service, id, 'succeeded')).trialViews.length, 6);
  });

  it('is stopped with words when its end cannot be written', async (t) => {
    const { service, directory, id, goOn } = await stoppedInTheMiddle(t);
    damage(directory, refuse);
    const stopped = service.stop(id);
    goOn();
    await assert.rejects(stopped, /no more events/);
    damage(directory, 'DROP TRIGGER refuse');
    await service.resume(id);
    assert.equal((await untilState(service, id, 'succeeded')).trialViews.length, 6);
  });
});
