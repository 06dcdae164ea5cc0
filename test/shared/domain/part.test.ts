import assert from 'node:assert/strict';
import { it } from 'node:test';
import { partNamed, partsText, unknownPart } from '@edgetune/shared/domain/part.ts';

const PARTS = [
  { name: 'first', description: 'a part' },
  { name: 'second', description: 'another' },
];

it('a part is found by its whole name', () => {
  assert.equal(partNamed(PARTS, 'second'), PARTS[1]);
  assert.equal(partNamed(PARTS, 'sec'), undefined);
});

it('an unknown name is told with those that there are', () => {
  assert.equal(unknownPart('sampler', 'thrid', PARTS), 'unknown sampler "thrid": use one of first, second');
});

it('parts are listed under a title, their descriptions in a column', () => {
  const parts = [...PARTS, { name: '3', description: 'the last' }];
  assert.equal(partsText('Things', parts), 'Things:\n  first   a part\n  second  another\n  3       the last');
});
