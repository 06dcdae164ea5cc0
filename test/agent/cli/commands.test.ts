/** The commands of an agent on its own board: status, doctor and uninstall, beside one that runs. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { event, PROCESS_S } from '../../support/waiting.ts';
import { coordinatorIn, startAgentProcess, untilOnline } from '../../whole-path/support/system.ts';

const bin = join(import.meta.dirname, '../../../agent/bin/edgetune-agent.js');

async function agentCommand(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { code, out, err } = await runProgram(process.execPath, [bin, ...args]);
  return { code, output: out + err };
}

it('says how it stands before, while and after it is a device', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder);
  const data = ['--data-dir', join(folder, 'pi')];
  const before = await agentCommand('status', ...data);
  assert.equal(before.code, 1);
  assert.match(before.output, /has not joined one[\s\S]*not running/);

  const { token } = await coordinator.fleet.addDevice('pi');
  const flags = ['--simulate', 'raspberry-pi-5'];
  const agent = startAgentProcess(t, { server: coordinator.url, token, folder, name: 'pi', flags });
  const ended = event('the agent to end', agent, 'exit', PROCESS_S);
  await untilOnline(coordinator, 'pi');
  const running = await agentCommand('status', ...data, '--json');
  assert.equal(running.code, 0);
  const status = JSON.parse(running.output) as Record<string, Record<string, unknown>>;
  assert.equal(status.enrolment?.name, 'pi');
  assert.equal(status.agent?.connected, true);
  assert.ok(!running.output.includes('credential'), 'the credential is shown to nobody');
  assert.match((await agentCommand('doctor', ...data)).output, /✓ fleet: "pi" of the coordinator.*, which answers/);

  writeFileSync(join(folder, 'pi/notes.txt'), 'the user’s own');
  const left = await agentCommand('uninstall', ...data);
  assert.equal(left.code, 0, left.output);
  assert.match(left.output, /"pi" has left the fleet/);
  assert.equal((await ended)[0], 0, 'the agent that ran has ended');
  assert.deepEqual(coordinator.fleet.devices(), []);
  assert.deepEqual(readdirSync(join(folder, 'pi')), ['notes.txt'], 'what is not the agent’s stays');
});

it('leaves a coordinator that cannot be reached, too, and says what is left to do', async (t) => {
  const enrolment = {
    deviceId: 'd-0123456789ab',
    name: 'pi',
    credential: 'x'.repeat(40),
    mqttUrl: 'mqtt://127.0.0.1:9',
  };
  const folder = temporaryFolder(t, {
    'pi/enrolment.json': JSON.stringify({ ...enrolment, server: 'http://127.0.0.1:9' }),
  });
  const { code, output } = await agentCommand('uninstall', '--data-dir', join(folder, 'pi'));
  assert.equal(code, 0);
  assert.match(output, /was not told .*edgetune device remove pi/);
  assert.ok(!existsSync(join(folder, 'pi')));
});
