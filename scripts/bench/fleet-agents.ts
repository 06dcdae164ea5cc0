/** The agents of the fleet benchmark: each accepts, runs and answers a job the moment it comes. */
import { commandMessageSchema, type JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import mqtt from 'mqtt';
import { boardDescription, measurementFor } from '../../test/support/fleet.ts';
import type { AgentLogin } from './fleet.ts';

process.on('message', async ({ url, logins }: { url: string; logins: AgentLogin[] }) => {
  for (const login of logins) await connect(url, login);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function connect(url: string, { deviceId, credential }: AgentLogin): Promise<void> {
  const client = await mqtt.connectAsync(url, {
    clientId: deviceId,
    username: deviceId,
    password: credential,
    protocolVersion: 4,
  });
  const say = (topic: string, message: object, retain = false) =>
    client.publish(topic, JSON.stringify({ protocol: 1, at: new Date().toISOString(), ...message }), {
      qos: 1,
      retain,
    });
  let updates = 0;
  client.on('message', (_topic, payload) => {
    const command = commandMessageSchema.parse(JSON.parse(payload.toString()));
    if (command.type !== 'job') return;
    const { jobId, attempt, leaseToken, request } = command.job;
    const update = (state: JobUpdateMessage['state']) =>
      say(topics.jobUpdate(deviceId), {
        updateId: `${deviceId}-${updates++}`,
        jobId,
        attempt,
        leaseToken,
        state,
        reason: null,
        measurement: state === 'succeeded' ? measurementFor(request) : null,
      });
    for (const state of ['accepted', 'running', 'succeeded'] as const) update(state);
  });
  await client.subscribeAsync(topics.command(deviceId), { qos: 1 });
  const sessionId = `session of ${deviceId}`;
  say(topics.status(deviceId), { sessionId, state: 'online' }, true);
  say(topics.hello(deviceId), { sessionId, deviceId, board: boardDescription(), jobs: [] });
}
