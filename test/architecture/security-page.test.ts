/** SECURITY.md says exactly what a board tells of itself. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { boardDescriptionSchema } from '@edgetune/shared/domain/device.ts';

it('what a board tells is listed, and nothing else', () => {
  const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
  const section = /## What a board tells\n(.*?)\n## /s.exec(page)?.[1] ?? '';
  const listed = [...section.matchAll(/`([a-zA-Z]+)`/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(listed)].sort(), Object.keys(boardDescriptionSchema.shape).sort());
});
