/** The JSON Schema of a study, by the command line and over HTTP. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { studyJsonSchema } from '@edgetune/shared/domain/study-json-schema.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { PARTS } from '../../../coordinator/parts.ts';
import { ask } from '../../support/ask.ts';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const BIN = join(import.meta.dirname, '../../../coordinator/bin/edgetune.js');
const expected = JSON.parse(JSON.stringify(studyJsonSchema(PARTS)));

it('edgetune schema study prints it', async () => {
  const { out } = await runProgram(process.execPath, [BIN, 'schema', 'study']);
  assert.deepEqual(JSON.parse(out), expected);
});

it('edgetune schema names what there is', async () => {
  const { code, err } = await runProgram(process.execPath, [BIN, 'schema', 'fleet']);
  assert.equal(code, 2);
  assert.match(err, /Allowed choices are study/);
});

it('a coordinator serves it, also to editors that have no admin token', async (t) => {
  const settings = { dataDir: temporaryFolder(t), port: 0, mqttPort: 0, adminToken: 'an-admin-token-of-some-length' };
  const coordinator = await startCoordinator({ config: loadConfig(settings, {}), log: plainLogger(() => {}) });
  t.after(() => coordinator.close());
  const answer = await ask(new URL('/api/schemas/study', coordinator.url));
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), expected);
});
