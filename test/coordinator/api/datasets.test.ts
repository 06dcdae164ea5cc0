/** A look at data over HTTP. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { datasetReportSchema } from '@edgetune/shared/domain/dataset-report.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { PROCESS_S } from '../../support/waiting.ts';
import { barRows } from '../training/support/small-datasets.ts';

test('data are looked at over HTTP, by POST with settings or by GET with a path; refusals are 400 in words', async (t) => {
  const folder = temporaryFolder(t, { 'x.csv': barRows() });
  const config = loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {});
  const coordinator = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => coordinator.close());
  const url = new URL('/api/datasets/check', coordinator.url);
  const post = (body: object) =>
    ask(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      PROCESS_S,
    );
  const path = join(folder, 'x.csv');

  const posted = datasetReportSchema.parse(
    await (await post({ dataset: { path, imageSize: 8 }, workload: 'image-classifier' })).json(),
  );
  assert.deepEqual(posted.dataset, { format: 'csv-images', path, imageSize: 8 });
  assert.equal(posted.shape, '8×8 pixels, grey');
  url.searchParams.set('path', path);
  const got = datasetReportSchema.parse(await (await ask(url, {}, PROCESS_S)).json());
  assert.deepEqual([got.sha256, got.shape], [posted.sha256, '4×4 pixels, grey']);

  for (const [body, message] of [
    [{ dataset: { path: '/dev/zero' } }, /^\/dev\/zero is no regular file/],
    [{ dataset: { path, format: 'idx' } }, /train-images-idx3-ubyte does not exist|is no IDX|expected train-images/],
    [
      { dataset: { path }, workload: 'text-classifier' },
      /looks like csv-images, which holds images; the workload takes texts/,
    ],
    [{ dataset: { path }, workload: 'none' }, /unknown workload "none"/],
  ] as const) {
    const response = await post(body);
    assert.equal(response.status, 400);
    assert.match(problemSchema.parse(await response.json()).error, message);
  }
});
