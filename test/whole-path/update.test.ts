/** An installed agent is offered newer ones, over TLS: one that fails its self-test, one that never connects, one that works. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { loadConfig } from '../../coordinator/config/config.ts';
import { createAgentRelease } from '../../coordinator/fleet/agent-release.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { buildAgent } from '../support/built-agent.ts';
import { untilFleet } from '../support/fleet.ts';
import { layOutAgent } from '../support/installed-agent.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { event, PROCESS_S } from '../support/waiting.ts';
import { freePort } from './support/system.ts';

const replaceIn = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

it('goes back from releases that do not work, says why, and takes the one that does', async (t) => {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    return t.skip('agents are installed on Linux, x64 or arm64');
  const folder = temporaryFolder(t);
  const built = await buildAgent();
  t.after(() => built.remove());
  built.serve('0.1.0');
  const release = createAgentRelease({
    tarball: join(built.distDirectory, 'agent.tgz'),
    directory: join(folder, 'release'),
  });
  const file = await release.agentFor(`linux-${process.arch}` as 'linux-x64' | 'linux-arm64');
  const agent = layOutAgent(t, join(folder, 'board'), { version: '0.1.0', file });

  const config = loadConfig(
    { dataDir: join(folder, 'data'), port: await freePort(), mqttPort: await freePort(), tls: 'self-signed' },
    {},
  );
  const start = () => startCoordinator({ config, log: plainLogger(() => {}), distDirectory: built.distDirectory });
  let coordinator = await start();
  t.after(() => coordinator.close());
  const { token } = await coordinator.fleet.addDevice('kitchen-pi');
  const launcher = agent.start(
    ...['run', '--server', coordinator.url, '--pin', coordinator.tlsPin as string, '--token', token],
    ...['--simulate', 'raspberry-pi-5'],
  );
  const until = async (what: string, condition: (device: DeviceView) => boolean): Promise<DeviceView> => {
    const found = () => {
      const device = coordinator.fleet.device('kitchen-pi');
      return device && device.presence === 'online' && condition(device) ? device : null;
    };
    await untilFleet(coordinator.fleet, what, found, PROCESS_S);
    return found() as DeviceView;
  };
  await until(
    'the agent to be there',
    ({ board, agentUpdate }) => board?.agentVersion === '0.1.0' && agentUpdate?.failed === null,
  );
  /** As where the coordinator's own installation is updated. */
  const restartServing = async (version: string, change?: (folder: string) => void) => {
    await coordinator.close();
    built.serve(version, change);
    coordinator = await start();
  };

  await restartServing('0.2.0', (staged) => writeFileSync(join(staged, 'dist/measure-child.js'), 'process.exit(7);\n'));
  const untested = await until('0.2.0 to fail', ({ agentUpdate }) => agentUpdate?.failed != null);
  assert.match(untested.agentUpdate?.failed?.release ?? '', /^0\.2\.0-/);
  assert.match(untested.agentUpdate?.failed?.reason ?? '', /a tiny model could not be run/);
  assert.equal(untested.board?.agentVersion, '0.1.0');
  assert.equal(untested.agentUpdate?.offered, null, 'what has failed is not offered again');

  await restartServing('0.3.0', (staged) =>
    replaceIn(join(staged, 'bin/edgetune-agent.js'), (text) =>
      text.replace('\n', "\nif (process.argv[2] === 'run') process.exit(9);\n"),
    ),
  );
  const back = await until('0.3.0 to fail', ({ agentUpdate }) => /^0\.3\.0-/.test(agentUpdate?.failed?.release ?? ''));
  assert.match(back.agentUpdate?.failed?.reason ?? '', /ended before it had connected/);
  assert.equal(back.board?.agentVersion, '0.1.0');

  await restartServing('0.4.0');
  const updated = await until('0.4.0 to be there', ({ board }) => board?.agentVersion === '0.4.0');
  assert.equal(updated.agentUpdate?.failed, null);
  assert.match(agent.command('status'), /online[\s\S]*version {2}0\.4\.0/);
  assert.equal(readdirSync(agent.versions).filter((name) => /^\d/.test(name)).length, 2, 'it and the one before it');

  const ended = event('the agent to end', launcher, 'exit', PROCESS_S);
  launcher.kill('SIGTERM');
  assert.equal((await ended)[0], 0, 'who is asked to stop has not failed');
});
