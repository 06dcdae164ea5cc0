/** What a person asks for while the disk is full, over HTTP. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { fullDisk } from '../../support/full-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('is refused with what to do, taken again when there is space, and fills no log', async (t) => {
  const disk = fullDisk(t);
  const log: string[] = [];
  const config = loadConfig({ dataDir: join(temporaryFolder(t), 'data'), port: 0, mqttPort: 0 }, {});
  const coordinator = await startCoordinator({ config, log: plainLogger((line) => log.push(line)) });
  t.after(() => coordinator.close());
  const spec = { space: { training: { rate: { type: 'float', min: 0, max: 1 } } }, objectives: ['maximize accuracy'] };
  const create = () =>
    ask(new URL('/api/tuners', coordinator.url), { method: 'POST', body: JSON.stringify(spec), headers: {} });
  disk.fill();
  for (let time = 0; time < 5; time++) {
    const response = await create();
    assert.equal(response.status, 507);
    assert.match(problemSchema.parse(await response.json()).error, /^the disk is full: .* Free some space/);
  }
  assert.equal(log.filter((line) => line.startsWith('POST /api/tuners: the disk is full')).length, 1, log.join('\n'));
  disk.makeSpace();
  assert.equal((await create()).status, 201);
});
