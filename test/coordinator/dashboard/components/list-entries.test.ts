/** Lists that forms change an entry of: the others stay as somebody wrote them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  constraintText,
  entriesOf,
  fromLines,
  objectiveText,
  plainText,
  withChoice,
} from '../../../../coordinator/dashboard/components/list-entries.ts';

it('an objective is the option that it means, however it is written', () => {
  for (const [entry, option] of [
    ['accuracy', 'maximize accuracy'],
    ['maximise accuracy', 'maximize accuracy'],
    [{ metric: 'accuracy', direction: 'maximize' }, 'maximize accuracy'],
    ['latency', 'minimize latency.p50'],
    ['latency.p99 worst', 'minimize latency.p99'],
    ['minimize metric.of.this.test', 'minimize metric.of.this.test'],
    ['latency.p99 mean', 'minimize latency.p99 mean'],
    ['latency.p99 on pi', 'minimize latency.p99 on pi'],
    ['fast, please', 'fast, please'],
    [{ metric: 'accuracy' }, '{"metric":"accuracy"}'],
    [3, '3'],
  ])
    assert.equal(objectiveText(entry), option);
});

it('a choice adds an option or takes it away, and leaves the others as they are written', () => {
  const latency = { metric: 'latency.p99', direction: 'minimize', device: 'pi' };
  const written = ['accuracy', latency, { metric: 'memory', direction: 'minimize' }];
  assert.deepEqual(withChoice(written, 'minimize energy', true, objectiveText), [...written, 'minimize energy']);
  assert.deepEqual(withChoice(written, 'maximize accuracy', false, objectiveText), written.slice(1));
  assert.deepEqual(withChoice(written, 'minimize memory', false, objectiveText), written.slice(0, 2));
  assert.deepEqual([entriesOf('accuracy'), entriesOf(undefined), entriesOf(written)], [[], [], written]);
});

it('a constraint is a line as people write it, or all of its keys where that would lose a digit', () => {
  const memory = { metric: 'memory', operator: '<=', limit: 64e6 };
  assert.equal(constraintText(memory), 'memory <= 64 MB');
  assert.equal(constraintText({ ...memory, device: 'pi' }), 'memory <= 64 MB on pi');
  const exact = { ...memory, limit: 67_108_864 };
  assert.equal(constraintText(exact), JSON.stringify(exact));
  assert.equal(constraintText('memory<=64MB'), 'memory<=64MB', 'a text stays as it is');
  assert.equal(constraintText({ metric: 'speed' }), '{"metric":"speed"}');
});

it('lines that are not changed stay the entries that they stood for', () => {
  const exact = { metric: 'memory', operator: '<=', limit: 67_108_864 };
  const simple = { metric: 'power', operator: '<=', limit: 5 };
  const before = [exact, 'latency<=3ms', simple];
  const lines = before.map(constraintText);
  assert.deepEqual(fromLines([...lines, ' energy <= 1 J ', ''], before, constraintText), [...before, 'energy <= 1 J']);
  assert.deepEqual(fromLines([lines[2] as string], before, constraintText), [simple]);
  assert.deepEqual(fromLines(['power <= 4 W'], before, constraintText), ['power <= 4 W']);
  assert.deepEqual(fromLines(['1', 'two'], [1], plainText), [1, 'two']);
});
