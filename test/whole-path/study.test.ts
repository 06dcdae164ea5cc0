/** The main job with nothing replaced: coordinator, broker, store, agents in processes of their own, ONNX Runtime, training. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { WORKLOADS } from '../../coordinator/training/workloads/all.ts';
import { ask } from '../support/ask.ts';
import { untilFleet } from '../support/fleet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { event, PROCESS_S } from '../support/waiting.ts';
import {
  coordinatorIn,
  freePort,
  joinAgents,
  smallStudy,
  startAgentProcess,
  startCoordinatorProcess,
  untilEnded,
  untilEvent,
  untilOnline,
} from './support/system.ts';

const QUICK = { minDurationMs: 30, minRuns: 10 };

it('a study on this machine and a simulated board ends with a measured recommendation', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder, QUICK);
  const client = createClient({ server: coordinator.url });
  // Other tests run meanwhile.
  const agents = { here: ['--tolerate-load'], pi: ['--simulate', 'raspberry-pi-5'] };
  await joinAgents(t, coordinator, folder, agents);
  const devices = await client.devices();
  assert.equal(devices.find(({ name }) => name === 'here')?.onCoordinatorHost, true);
  assert.equal(devices.find(({ name }) => name === 'pi')?.board?.simulated?.profile, 'raspberry-pi-5');

  const { id } = await client.createStudy(smallStudy(['here', 'pi']));
  const study = await untilEnded(coordinator.url, id);
  assert.equal(study.state, 'succeeded', `${study.reason}\n${coordinator.log.join('\n')}`);
  const [model] = study.recommendation?.models ?? [];
  assert.ok(model);
  assert.equal(model.epochs, 2);
  assert.deepEqual(
    model.devices.map(({ device, measurement }) => [device, measurement.simulated, measurement.outcome]),
    [
      ['here', false, 'ok'],
      ['pi', true, 'ok'],
    ],
  );
  for (const { measurement } of model.devices)
    assert.equal(measurement.modelSha256, model.onnxSha256, 'the trained model itself was measured');
  assert.ok(study.timeline.pausedS > 0, 'training stood still while this machine was measured');
  const zip = await client.exportStudy(id);
  assert.equal(Buffer.from(zip.subarray(0, 2)).toString(), 'PK');

  // A second study on the same space reuses what is known.
  const again = await client.createStudy(smallStudy(['here', 'pi']).replace('small', 'again'));
  const second = await untilEnded(coordinator.url, again.id);
  assert.ok((second.recommendation?.summary.reusedMeasurements ?? 0) > 0);
  assert.ok((second.recommendation?.summary.savedMeasurements ?? 0) > 0);
});

it('a coordinator killed in the middle of a study goes on with it at the next start', async (t) => {
  const folder = temporaryFolder(t);
  const [port, mqttPort] = [await freePort(), await freePort()];
  const server = `http://localhost:${port}`;
  const first = await startCoordinatorProcess(t, { folder, port, mqttPort });
  const client = createClient({ server });
  const { token } = await client.addDevice('pi');
  startAgentProcess(t, { server, token, folder, name: 'pi', flags: ['--simulate', 'raspberry-pi-4'] });
  const { id } = await client.createStudy(smallStudy(['pi'], 'tuner: {seed: 3}'));
  await untilEvent('a trial to be told', server, id, ({ type }) => type === 'trial-told');
  const ended = event('the killed coordinator to end', first, 'exit', PROCESS_S);
  first.kill('SIGKILL');
  await ended;

  await startCoordinatorProcess(t, { folder, port, mqttPort });
  const study = await untilEnded(server, id);
  assert.equal(study.state, 'succeeded', study.reason ?? '');
  assert.equal(study.trialViews.length, 3);
  const response = await ask(`${server}/api/studies/${id}/events?limit=5000`);
  const { events } = (await response.json()) as { events: { body: { type: string; trialId: number; rung: number } }[] };
  const rungs = events
    .filter(({ body }) => body.type === 'training-finished')
    .map(({ body }) => `${body.trialId}/${body.rung}`);
  assert.equal(new Set(rungs).size, rungs.length, `no rung was trained to its end twice: ${rungs.join(' ')}`);
});

it('an agent killed in the middle of a job comes back, and the study goes on', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder, QUICK);
  const { token } = await coordinator.fleet.addDevice('pi');
  // In the board's own time, so that a job lasts long enough to be caught.
  const flags = ['--simulate', 'raspberry-pi-5', '--time-scale', '1'];
  const agent = startAgentProcess(t, { server: coordinator.url, token, folder, name: 'pi', flags });
  await untilOnline(coordinator, 'pi');
  const { id } = await coordinator.studies.create(smallStudy(['pi']));
  await untilFleet(coordinator.fleet, 'a job', () => coordinator.fleet.device('pi')?.presence === 'busy', PROCESS_S);
  const ended = event('the killed agent to end', agent, 'exit', PROCESS_S);
  agent.kill('SIGKILL');
  await ended;
  startAgentProcess(t, { server: coordinator.url, token, folder, name: 'pi', flags });
  const study = await untilEnded(coordinator.url, id);
  assert.equal(study.state, 'succeeded', `${study.reason}\n${coordinator.log.join('\n')}`);
});

it('every mistake of a study comes back from the API with its line', async (t) => {
  const coordinator = await coordinatorIn(t, temporaryFolder(t));
  const client = createClient({ server: coordinator.url });
  await assert.rejects(
    client.createStudy(
      'name: x\nworkload: nonsense\ndataset: {format: synthetic-images}\ndevices: [nobody]\nbudget: {maxEpochs: 0}\n',
    ),
    (error: Error) => {
      assert.match(error.message, /line 2: workload/);
      assert.match(error.message, /line 5: budget.maxEpochs/);
      return true;
    },
  );
  await coordinator.fleet.addDevice('pi');
  await assert.rejects(
    client.createStudy('name: x\ndataset: {format: idx, path: /nowhere}\ndevices: [pi]\n'),
    /line 2: dataset: \/nowhere does not exist: expected a folder or a file on the coordinator's machine/,
  );
});

it('a second coordinator on the same data directory or port is refused with the reason', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder);
  await assert.rejects(coordinatorIn(t, folder), /another coordinator/);
  const port = Number(new URL(coordinator.url).port);
  const { startCoordinator } = await import('../../coordinator/main.ts');
  const { loadConfig } = await import('../../coordinator/config/config.ts');
  const config = loadConfig({ dataDir: join(temporaryFolder(t), 'data'), port, mqttPort: 0 }, {});
  await assert.rejects(
    startCoordinator({ config, log: plainLogger(() => {}) }),
    new RegExp(`port ${port} on 127.0.0.1 is in use`),
  );
});

it('the example study of each workload is one that EdgeTune accepts', async (t) => {
  const coordinator = await coordinatorIn(t, temporaryFolder(t));
  await coordinator.fleet.addDevice('my-device');
  for (const { exampleYaml } of WORKLOADS) {
    if (!exampleYaml.includes('synthetic-images')) continue;
    const { id } = await coordinator.studies.create(exampleYaml);
    await coordinator.studies.stop(id);
  }
});

it('the committed READMEs name only scripts that exist', () => {
  const root = join(import.meta.dirname, '../..');
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const text = ['README.md', 'CONTRIBUTING.md'].map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  for (const [, name] of text.matchAll(/npm run ([\w:-]*\w)/g)) assert.ok(scripts[name as string], `npm run ${name}`);
});
