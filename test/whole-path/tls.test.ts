/** Encrypted, with a key that only its pin vouches for: joining, a job with its download, and who has another key. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import mqtt from 'mqtt';
import { installationFindings } from '../../agent/doctor/installation-findings.ts';
import { savedEnrolment } from '../../agent/enrolment/enrolment.ts';
import { leaveFleet } from '../../agent/enrolment/leave-fleet.ts';
import { startAgent } from '../../agent/session/start-agent.ts';
import { simulatedBoard } from '../../agent/simulated/simulated-agent-board.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { UnreachableError } from '../../coordinator/cli/transport.ts';
import { reluModel } from '../support/models.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Arrival } from '../support/waiting.ts';
import { coordinatorIn, freePort, untilBench, untilOnline } from './support/system.ts';

const OTHER_PIN = `sha256//${Buffer.alloc(32).toString('base64')}`;

it('a board joins, measures and leaves over TLS, and trusts one key only', async (t) => {
  const folder = temporaryFolder(t);
  const settings = { tls: 'self-signed', port: await freePort(), mqttPort: await freePort() };
  const coordinator = await coordinatorIn(t, folder, undefined, settings);
  const { url: server, tlsPin } = coordinator;
  const pin = tlsPin as string;
  assert.match(server, /^https:/);
  const client = createClient({ server, pin });
  const added = await client.addDevice('pi');
  const curl = `curl -fsSk --pinnedpubkey '${pin}'`;
  assert.equal(added.installCommand, `${curl} ${server}/install.sh | sudo sh -s -- --name pi --token ${added.token}`);
  assert.match(added.localCommand, new RegExp(`--server ${server} --pin \\S+ --token `));

  const dataDirectory = join(folder, 'pi');
  const log: string[] = [];
  const board = simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 });
  const joining = {
    server,
    token: added.token,
    dataDirectory,
    board,
    log: plainLogger((message: string) => void log.push(message)),
  };
  await assert.rejects(startAgent({ ...joining, pin: OTHER_PIN }), WrongKeyError);
  await assert.rejects(startAgent(joining), /self-signed certificate/, 'no authority vouches for it');
  await assert.rejects(createClient({ server, pin: OTHER_PIN }).devices(), /not trusted: .*--pin/);
  await assert.rejects(createClient({ server }).devices(), (error: Error) => {
    assert.ok(error instanceof UnreachableError);
    return /not trusted: self-signed certificate.*--pin/.test(error.message);
  });

  const agent = await startAgent({ ...joining, pin });
  t.after(() => agent.stop());
  await untilOnline(coordinator, 'pi');
  const enrolment = savedEnrolment(dataDirectory);
  assert.ok(enrolment);
  assert.deepEqual([enrolment.pin, enrolment.mqttSharesKey, enrolment.mqttUrl.slice(0, 8)], [pin, true, 'mqtts://']);

  const { modelSha256 } = await client.uploadBenchModel(reluModel());
  const started = await client.startBench({ modelSha256, modelName: 'relu', devices: ['pi'], maxSeconds: 0.001 });
  const view = await untilBench(client, started.id, 'the bench to end', ({ state }) => state !== 'running');
  assert.ok(view.devices[0]?.best, view.devices[0]?.reason ?? '');

  // MQTT over WebSocket is on the port of HTTPS.
  const { deviceId, credential } = enrolment;
  await agent.stop();
  const web = await mqtt.connectAsync(`${server.replace('https', 'wss')}/mqtt`, {
    ...{ clientId: deviceId, username: deviceId, password: credential, protocolVersion: 4 },
    rejectUnauthorized: false,
  });
  await web.endAsync(true);

  const bin = join(import.meta.dirname, '../../coordinator/bin/edgetune.js');
  const env = { ...process.env, EDGETUNE_PIN: pin };
  // Not spawnSync: the coordinator is in this process.
  const { out } = await runProgram(process.execPath, [bin, 'device', 'list', '--server', server], { env });
  assert.match(out, /^pi .*SIMULATED/m);

  await leaveFleet(enrolment);
  assert.deepEqual(coordinator.fleet.devices(), []);
});

it('a coordinator with another key is refused by its boards, which say what to do, until they are told the new one', async (t) => {
  const folder = temporaryFolder(t);
  const settings = { tls: 'self-signed', port: await freePort(), mqttPort: await freePort() };
  const first = await coordinatorIn(t, folder, undefined, settings);
  const dataDirectory = join(folder, 'pi');
  const board = simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 });
  const { token } = await first.fleet.addDevice('pi');
  const log: string[] = [];
  const refused = new Arrival<string>('the agent to refuse the other key');
  const agent = await startAgent({
    ...{ server: first.url, pin: first.tlsPin as string, token, dataDirectory, board },
    log: plainLogger((message) => {
      log.push(message);
      if (/shows the public key/.test(message)) refused.come(message);
    }),
  });
  t.after(() => agent.stop());
  await untilOnline(first, 'pi');
  await first.close();

  // Its certificate lost and made anew for the same key: nothing that a board notices.
  rmSync(join(folder, 'data/tls/cert.pem'));
  const renewed = await coordinatorIn(t, folder, undefined, settings);
  assert.equal(renewed.tlsPin, first.tlsPin);
  await untilOnline(renewed, 'pi');
  assert.doesNotMatch(log.join('\n'), /public key/);
  await renewed.close();

  rmSync(join(folder, 'data/tls'), { recursive: true });
  const replaced = await coordinatorIn(t, folder, undefined, settings);
  assert.notEqual(replaced.tlsPin, first.tlsPin);
  assert.match(await refused.wait(), /its key was replaced.*device add NAME --renew/);
  const findings = await installationFindings(dataDirectory);
  const fleet = findings.find(({ what }) => what === 'fleet');
  assert.match(JSON.stringify(fleet), /shows the public key.*--renew/);
  await agent.stop();

  const { token: another } = await replaced.fleet.renewToken('pi');
  const flags = ['--server', replaced.url, '--pin', replaced.tlsPin as string, '--token', another];
  const bin = join(import.meta.dirname, '../../agent/bin/edgetune-agent.js');
  const joined = await runProgram(process.execPath, [bin, 'join', ...flags, '--data-dir', dataDirectory]);
  assert.equal(joined.code, 0, joined.err);
  assert.equal(savedEnrolment(dataDirectory)?.pin, replaced.tlsPin);
  const again = await startAgent({ server: replaced.url, dataDirectory, board, log: plainLogger(() => {}) });
  t.after(() => again.stop());
  await untilOnline(replaced, 'pi');
});

it('a board that joined before its coordinator encrypted joins anew by the line that names the key', async (t) => {
  const folder = temporaryFolder(t);
  const settings = { port: await freePort(), mqttPort: await freePort() };
  const plain = await coordinatorIn(t, folder, undefined, settings);
  const dataDirectory = join(folder, 'pi');
  const board = simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 });
  const joining = { dataDirectory, board, log: plainLogger(() => {}) };
  const before = await startAgent({ ...joining, server: plain.url, token: (await plain.fleet.addDevice('pi')).token });
  await before.stop();
  await plain.close();

  const encrypted = await coordinatorIn(t, folder, undefined, { ...settings, tls: 'self-signed' });
  const pin = encrypted.tlsPin as string;
  const line = { ...joining, server: encrypted.url, pin, token: (await encrypted.fleet.renewToken('pi')).token };
  for (const time of ['first', 'second']) {
    const agent = await startAgent(line);
    await untilOnline(encrypted, 'pi');
    assert.deepEqual([savedEnrolment(dataDirectory)?.pin, agent.deviceId], [pin, before.deviceId], `the ${time} time`);
    await agent.stop();
  }
});
