/** The logs of a coordinator and an agent as programs read them, with strangers at the door. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { ask } from '../support/ask.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { PROCESS_S, until } from '../support/waiting.ts';
import { freePort, startCoordinatorProcess } from './support/system.ts';

const AGENT = join(import.meta.dirname, '../../agent/bin/edgetune-agent.js');
const ADMIN_TOKEN = 'correct-horse-battery-staple';
/** A user name that pretends to be the end of its line and another record, and clears the screen. */
const FORGED = 'x"\n{"level":"info","message":"admin logged in"}\r\u001b[2J\u009b2J';
const PASSWORD = 'the-strangers-password';

interface Line {
  time: string;
  level: string;
  message: string;
  [field: string]: unknown;
}
const linesOf = (output: string) =>
  output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

test('every line is one record, none is forged, and none tells a secret', async (t) => {
  const folder = temporaryFolder(t);
  const [port, mqttPort] = [await freePort(), await freePort()];
  const flags = ['--log-format', 'json', '--log-level', 'debug', '--admin-token', ADMIN_TOKEN];
  const coordinator = await startCoordinatorProcess(t, { folder, port, mqttPort, flags });
  const server = `http://localhost:${port}`;
  const answer = await ask(`${server}/api/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'pi' }),
  });
  const { token } = (await answer.json()) as { token: string };

  const dataDirectory = join(folder, 'pi');
  const joining = ['run', '--server', server, '--token', token, '--data-dir', dataDirectory];
  const agent = spawn(process.execPath, [AGENT, ...joining, '--simulate', 'raspberry-pi-5'], {
    env: { ...process.env, EDGETUNE_AGENT_LOG_FORMAT: 'json', EDGETUNE_AGENT_LOG_LEVEL: 'debug' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => agent.kill('SIGKILL'));
  const said = { agent: '' };
  agent.stdout.on('data', (chunk) => {
    said.agent += chunk;
  });
  const seconds = PROCESS_S;
  await until('the agent to say that it is connected', () => said.agent.includes('connected to'), { seconds });

  const stranger = mqtt.connect(`mqtt://127.0.0.1:${mqttPort}`, {
    protocolVersion: 4,
    clientId: FORGED,
    username: FORGED,
    password: PASSWORD,
    reconnectPeriod: 0,
  });
  t.after(() => stranger.end(true));
  stranger.on('error', () => {});
  await until('the coordinator to say that it refused', () => coordinator.output.includes('refused'), {
    seconds: PROCESS_S,
  });

  const { credential } = JSON.parse(readFileSync(join(dataDirectory, 'enrolment.json'), 'utf8')) as {
    credential: string;
  };
  for (const output of [coordinator.output, said.agent]) {
    for (const secret of [ADMIN_TOKEN, token, credential, PASSWORD]) assert.ok(!output.includes(secret));
    for (const { time, level, message } of linesOf(output)) {
      assert.ok(!Number.isNaN(Date.parse(time)));
      assert.match(level, /^(error|warn|info|debug)$/);
      assert.notEqual(message, 'admin logged in');
    }
  }
  const refusals = linesOf(coordinator.output).filter(({ message }) => /login of .* refused/.test(message));
  assert.deepEqual(
    refusals.map(({ level, part }) => [level, part]),
    [['warn', 'broker']],
  );
  assert.ok(
    linesOf(said.agent).some(({ level, message }) => level === 'info' && /connected to .* as "pi"/.test(message)),
  );
});
