/** A real process is killed while it holds a board's clock; the next agent finds the board changed and sets it back. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { thisMachine } from '../../../../agent/this-machine/agent-board.ts';
import { boardFixture } from '../../../support/fixture-host.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { event, PROCESS_S } from '../../../support/waiting.ts';

const SETUP = new URL('../../../../agent/board/board-setup.ts', import.meta.url).href;
const HOST = new URL('../../../../agent/board/system-host.ts', import.meta.url).href;

it('the clock of a killed agent is set back by the next one', async (t) => {
  const { files } = boardFixture('raspberry-pi-5');
  const root = temporaryFolder(
    t,
    Object.fromEntries(Object.entries(files).map(([path, text]) => [path.slice(1), text])),
  );
  const dataDirectory = temporaryFolder(t);
  const policy = join(root, 'sys/devices/system/cpu/cpufreq/policy0');
  const limits = () => ['min', 'max'].map((name) => readFileSync(join(policy, `scaling_${name}_freq`), 'utf8').trim());
  const code = `
    const { boardSetup, withControls } = await import(${JSON.stringify(SETUP)});
    const { systemHost } = await import(${JSON.stringify(HOST)});
    const setup = boardSetup({ host: systemHost(${JSON.stringify(root)}), dataDirectory: ${JSON.stringify(dataDirectory)} });
    await withControls(setup, 2000000, async () => {
      console.log('working');
      await process.stdin.toArray();
    });`;
  const agent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => agent.kill('SIGKILL'));
  await event('the agent to hold the clock', agent.stdout, 'data', PROCESS_S);
  const ended = event('the killed agent to end', agent, 'exit');
  agent.kill('SIGKILL');
  await ended;
  assert.deepEqual(limits(), ['2000000', '2000000']);

  const said: string[] = [];
  const next = thisMachine({ host: systemHost(root), dataDirectory });
  await next.setBack?.(plainLogger((message) => said.push(message)));
  assert.deepEqual(limits(), ['1500000', '2400000']);
  assert.deepEqual(said, ['set back 2 settings of the board that an earlier run had changed']);
  assert.ok(!existsSync(join(dataDirectory, 'board-controls.json')));
  await next.setBack?.(plainLogger((message) => said.push(message)));
  assert.equal(said.length, 1);
});
