/** A broker of one's own, and a coordinator that is started there with an empty data directory: no board is harmed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { startAgent } from '../../../agent/session/start-agent.ts';
import { connectBroker } from '../../../coordinator/broker/connect-broker.ts';
import { createFleet } from '../../../coordinator/fleet/create-fleet.ts';
import { MemoryStore } from '../../coordinator/fleet/support/memory-fleet.ts';
import { boardDescription, measurementFor, untilPresence } from '../../support/fleet.ts';
import { makeIdentity } from '../../support/identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until, within } from '../../support/waiting.ts';
import { brokerFor } from './support/believing-broker.ts';

it('its boards keep credential and results, and are its own again when the right one is back', async (t) => {
  const broker = await brokerFor(t, 'd-any');
  const log: string[] = [];
  const coordinator = async (identity = makeIdentity(), store = new MemoryStore()) => {
    const fleet = createFleet({
      ...{ devices: store.devices, jobs: store.jobs, hostLease: { acquire: async () => () => {} }, identity },
      ...{ machineId: 'here', log: plainLogger((line) => log.push(line)), onMeasurement: async () => {} },
    });
    const client = await connectBroker(
      { url: `mqtt://127.0.0.1:${broker.port}` },
      plainLogger(() => {}),
    );
    await fleet.start(client);
    const stop = async () => {
      await fleet.stop();
      client.end(true);
    };
    broker.goesFirst(stop);
    return { fleet, store, identity, stop };
  };
  const right = await coordinator();
  const { token } = await right.fleet.addDevice('kitchen-pi');
  const enrolled = await right.fleet.enroll({ token, board: boardDescription() });
  const enrolment = { ...enrolled, mqttUrl: `mqtt://127.0.0.1:${broker.port}`, server: 'http://127.0.0.1:9' };
  const dataDirectory = temporaryFolder(t, { 'enrolment.json': JSON.stringify(enrolment) });
  const told: string[] = [];
  t.mock.method(Math, 'random', () => 0);
  const agent = await startAgent({
    ...{ server: '', dataDirectory, log: plainLogger((line) => told.push(line)) },
    board: { describe: async () => boardDescription(), measure: async (asked) => measurementFor(asked) },
  });
  broker.goesFirst(() => agent.stop());
  await untilPresence(right.fleet, 'kitchen-pi', 'online');
  await right.stop();

  const wrong = await coordinator(makeIdentity('c-ffffffffffffffff'));
  broker.cut();
  await until('the wrong coordinator to hear of a stranger', () => wrong.fleet.strangers().length === 1);
  const ofWrong = new RegExp(
    `a board with id ${enrolled.deviceId} .*coordinator \\(c-f{16}\\) does not know says hello: it has joined the coordinator c-0123456789abcdef`,
  );
  assert.match(log.join('\n'), ofWrong);
  await until('the board to be told', () => told.some((line) => /another coordinator \(c-f{16}\) answers/.test(line)));
  assert.ok(existsSync(join(dataDirectory, 'enrolment.json')));
  await wrong.stop();

  const again = await coordinator(right.identity, right.store);
  broker.cut();
  await untilPresence(again.fleet, 'kitchen-pi', 'online');
  await again.fleet.remove('kitchen-pi');
  assert.equal(await within('the agent to end', agent.ended), 'removed');
  assert.ok(!existsSync(join(dataDirectory, 'enrolment.json')));
});
