/** What a removed board has measured and not delivered. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { setResultsAside, takeResultsBack } from '../../../agent/session/set-aside-results.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OURS = 'c-0123456789abcdef';
const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-01-01T00:00:00Z');

it('is kept for a week, and is back in the outbox where the board joins the same coordinator again', (t) => {
  const folder = temporaryFolder(t, { 'outbox/u-1.json': '1', 'outbox/u-2.json': '2' });
  const log: string[] = [];
  const back = (id: string | undefined, days: number) =>
    takeResultsBack(
      folder,
      id,
      plainLogger((line) => log.push(line)),
      NOW + days * DAY_MS,
    );
  const outbox = () => (existsSync(join(folder, 'outbox')) ? readdirSync(join(folder, 'outbox')).sort() : null);
  back(OURS, 0);
  assert.equal(setResultsAside(folder, OURS, NOW), 2);
  assert.equal(outbox(), null);
  back('c-ffffffffffffffff', 1);
  back(undefined, 2);
  assert.deepEqual([outbox(), log], [null, []], 'another coordinator has no use for them');
  mkdirSync(join(folder, 'outbox'));
  writeFileSync(join(folder, 'outbox/u-3.json'), '3');
  back(OURS, 7);
  assert.deepEqual(outbox(), ['u-1.json', 'u-2.json', 'u-3.json']);
  assert.deepEqual(log, ['2 results from before this board was removed are delivered']);
  assert.deepEqual(readdirSync(join(folder, 'removed')), []);
});

it('is forgotten after a week, whichever coordinator is joined', (t) => {
  for (const id of [OURS, 'c-ffffffffffffffff', undefined]) {
    const folder = temporaryFolder(t, { 'outbox/u-1.json': '1', 'removed/rubbish/a.json': '' });
    const log: string[] = [];
    setResultsAside(folder, OURS, NOW);
    takeResultsBack(
      folder,
      id,
      plainLogger((line) => log.push(line)),
      NOW + 7 * DAY_MS + 1,
    );
    assert.deepEqual([readdirSync(join(folder, 'removed')), existsSync(join(folder, 'outbox'))], [[], false]);
    assert.ok(
      log.every(
        (line) => line === '1 results from before this board was removed were kept for a week, and are forgotten',
      ),
    );
  }
});

it('is nothing where all was delivered', (t) => {
  const folder = temporaryFolder(t);
  for (const isThere of [false, true]) {
    if (isThere) mkdirSync(join(folder, 'outbox'));
    assert.equal(setResultsAside(folder, OURS, NOW), 0);
    assert.deepEqual(readdirSync(folder), []);
  }
});
