/** The coordinator and its agents on a broker that is not ours: Mosquitto, where it is installed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { createClient } from '../../coordinator/cli/client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { event, PROCESS_S } from '../support/waiting.ts';
import { coordinatorIn, freePort, joinAgents, smallStudy, untilEnded, untilSaid } from './support/system.ts';

const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
const skip =
  spawnSync('mosquitto', ['-h'], { env: environment, timeout: 20_000 }).error === undefined
    ? false
    : 'Mosquitto is not installed: the external broker is not tested';

async function startMosquitto(t: TestContext, configFile: string): Promise<ChildProcess> {
  const child = spawn('mosquitto', ['-c', configFile], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  await untilSaid(child, child.stderr, 'running');
  return child;
}

it('a study runs on Mosquitto, also when it is restarted, and agents never see its password', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const own = temporaryFolder(t, {
    'mosquitto.conf': `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\npersistence false\n`,
  });
  const configFile = join(own, 'mosquitto.conf');
  const broker = await startMosquitto(t, configFile);
  const brokerUrl = `mqtt://coordinator:sesame@127.0.0.1:${port}`;
  const coordinator = await coordinatorIn(t, folder, { minDurationMs: 30, minRuns: 10 }, { brokerUrl });
  const client = createClient({ server: coordinator.url });
  await joinAgents(t, coordinator, folder, { pi: ['--simulate', 'raspberry-pi-5'] });
  assert.doesNotMatch(readFileSync(join(folder, 'pi', 'enrolment.json'), 'utf8'), /sesame/);

  const { id } = await client.createStudy(smallStudy(['pi']));
  const ended = event('the killed broker to end', broker, 'exit', PROCESS_S);
  broker.kill('SIGKILL');
  await ended;
  await startMosquitto(t, configFile);
  const study = await untilEnded(coordinator.url, id);
  assert.equal(study.state, 'succeeded', `${study.reason}\n${coordinator.log.join('\n')}`);
  assert.equal(study.recommendation?.models[0]?.devices[0]?.device, 'pi');
});
