/** One agent in one data directory. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { startAgent } from '../../../agent/session/start-agent.ts';
import type { AgentBoard } from '../../../agent/this-machine/agent-board.ts';
import { boardDescription } from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('a second agent in the data directory of one that runs is refused, and touches nothing', async (t) => {
  // Joined before; its coordinator is away.
  const dataDirectory = temporaryFolder(t, {
    'enrolment.json': JSON.stringify({
      deviceId: 'd-000000000000',
      credential: 's'.repeat(32),
      name: 'kitchen-pi',
      mqttUrl: 'mqtt://127.0.0.1:9',
      server: 'http://127.0.0.1:9',
    }),
  });
  let looks = 0;
  const board: AgentBoard = {
    async describe() {
      looks++;
      return boardDescription();
    },
    measure: () => assert.fail('nobody asks for it'),
  };
  const start = () => startAgent({ server: '', dataDirectory, board, log: plainLogger(() => {}) });
  const first = await start();
  t.after(() => first.stop());
  await assert.rejects(start, new RegExp(`an agent runs in .* already \\(pid ${process.pid}, version .*--data-dir`));
  assert.equal(looks, 1);
  await first.stop();
  const next = await start();
  await next.stop();
});
