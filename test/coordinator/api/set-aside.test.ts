/** A coordinator whose store holds what it cannot read starts, says so on every way, and serves the rest. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { tunerViewSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createClient } from '../../../coordinator/cli/client.ts';
import { RefusedError } from '../../../coordinator/cli/transport.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { damage } from '../../support/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { PROCESS_S, until } from '../../support/waiting.ts';

it('a coordinator starts beside a study and a tuner that it cannot read; they are named, and can be removed', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const log: string[] = [];
  const start = async () => {
    const config = loadConfig({ dataDir, port: 0, mqttPort: 0 }, {});
    const coordinator = await startCoordinator({ config, log: plainLogger((message) => log.push(message)) });
    t.after(() => coordinator.close());
    return { coordinator, client: createClient({ server: coordinator.url }) };
  };
  const first = await start();
  await first.coordinator.fleet.addDevice('kitchen-pi');
  const yaml = (name: string) => `name: ${name}\ndataset: {format: synthetic-images}\ndevices: [kitchen-pi]\n`;
  const bad = await first.client.createStudy(yaml('bad'));
  const good = await first.client.createStudy(yaml('good'));
  const tuners = new URL('/api/tuners', first.coordinator.url);
  const space = { training: { augment: { type: 'boolean' } } };
  const body = JSON.stringify({ space, objectives: ['minimize loss'] });
  const { id: tunerId } = tunerViewSchema.parse(await (await ask(tuners, { method: 'POST', body })).json());
  await first.coordinator.close();
  damage(dataDir, `DELETE FROM study_events WHERE study_id = '${bad.id}' AND seq = 1; UPDATE tuners SET spec = '7'`);

  log.length = 0;
  const { client, coordinator } = await start();
  // Its data are read before it waits for its board.
  const isWaiting = async () => (await client.studies()).studies.every(({ state }) => state === 'waiting');
  await until('the study to wait for its board', isWaiting, { seconds: PROCESS_S });
  const { studies, setAside } = await client.studies();
  assert.deepEqual(
    studies.map(({ id, state }) => [id, state]),
    [[good.id, 'waiting']],
  );
  assert.deepEqual(
    setAside.map(({ id, name, createdAt }) => [id, name, createdAt]),
    [[bad.id, 'bad', bad.createdAt]],
  );
  assert.match(
    setAside[0]?.reason ?? '',
    new RegExp(`^its event 1 is missing\\. Remove it \\(edgetune study remove ${bad.id}\\)`),
  );
  assert.ok(log.some((line) => line.startsWith(`study "bad" cannot be read and is set aside: its event 1 is missing`)));
  await assert.rejects(client.study('bad'), (error) => error instanceof RefusedError && error.status === 409);
  await client.removeStudy('bad');
  assert.deepEqual((await client.studies()).setAside, []);
  await assert.rejects(client.removeStudy('bad'), (error) => error instanceof RefusedError && error.status === 404);

  const tuner = new URL(`/api/tuners/${tunerId}`, coordinator.url);
  const refused = await ask(tuner);
  assert.equal(refused.status, 409);
  const { error } = problemSchema.parse(await refused.json());
  assert.match(error, new RegExp(`^tuner ${tunerId} cannot be read \\(spec: .*\\): delete it, and begin anew$`));
  assert.equal((await ask(tuner, { method: 'POST', body: '{"ask":{}}' })).status, 409);
  assert.equal((await ask(tuner, { method: 'DELETE' })).status, 204);
  assert.equal((await ask(tuner, { method: 'DELETE' })).status, 404);
});
