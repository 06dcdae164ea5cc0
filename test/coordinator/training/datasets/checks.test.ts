/** What is said of samples whatever their kind: classes, splits, duplicates. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RawData, RawSplit } from '../../../../coordinator/training/datasets/data-kinds.ts';
import { finish } from '../../../../coordinator/training/datasets/finish/finish.ts';
import { Notices } from '../../../../coordinator/training/datasets/notices.ts';
import { refused } from '../support/refusals.ts';

const split = (labels: readonly (string | number)[], from = 0): RawSplit<string[]> => ({
  values: labels.map((_, i) => `text ${from + i}`),
  labels,
});
const many = (labels: readonly (string | number)[], each: number) => labels.flatMap((label) => Array(each).fill(label));

function finished(raw: Partial<RawData<'texts'>>) {
  const notices = new Notices();
  const outcome = finish(
    'texts',
    {
      train: split(many(['a', 'b'], 40)),
      validation: split(many(['a', 'b'], 10), 1000),
      test: split(many(['a', 'b'], 10), 2000),
      ...raw,
    },
    1,
    notices,
  );
  return { outcome, said: notices.list.map(({ level, message }) => `${level}: ${message}`) };
}

describe('what is said of samples', () => {
  it('nothing of good ones', () => assert.deepEqual(finished({}).said, []));

  it('a class that only the test split has', () => {
    const { said, outcome } = finished({ test: split([...many(['a', 'b'], 10), 'c', 'c'], 2000) });
    assert.deepEqual(said, [
      'warning: class "c" is in the test split only (2 texts): no model can learn it, and each answer there will be wrong',
    ]);
    assert.deepEqual(outcome.data.classes, ['a', 'b', 'c']);
  });

  it('a class with one sample, one that a split lacks, and classes of very different size', () => {
    const one = finished({ train: split([...many(['a', 'b'], 40), 'c']) });
    assert.match(one.said.join('\n'), /class "c" has one text: it can be trained or tested on, not both/);
    const lacking = finished({ train: split(many(['a', 'b', 'c'], 40)) });
    assert.match(
      lacking.said.join('\n'),
      /the validation split has no text of "c".*\n.*the test split has no text of "c"/,
    );
    const lopsided = finished({ train: split([...many(['a'], 800), ...many(['b'], 10)]) });
    assert.match(lopsided.said.join('\n'), /from 10 \("b"\) to 800 \("a"\): accuracy favours the large ones/);
  });

  it('the same sample in several splits, several times, or under two classes', () => {
    const { outcome, said } = finished({
      test: {
        values: ['text 0', 'text 1000', 'text 2000', 'text 2000', 'text 2001'],
        labels: ['a', 'a', 'b', 'b', 'a'],
      },
    });
    assert.deepEqual(outcome.duplicates, {
      validationInTrain: 0,
      testInTrain: 1,
      testInValidation: 1,
      within: 1,
      contradictory: 0,
    });
    assert.match(
      said[0] ?? '',
      /^warning: 1 text of the test split is in the training split, too \(test sample 1 is training sample 1\)/,
    );
    const two = finished({
      train: { values: ['x', ...split(many(['a', 'b'], 40)).values, 'x'], labels: ['a', ...many(['a', 'b'], 40), 'b'] },
    });
    assert.match(
      two.said.join('\n'),
      /1 text is there under two classes: training sample 82 is training sample 1, as "a" and as "b"/,
    );
  });

  it('names that differ by capitals or spaces', () => {
    assert.match(
      finished({ train: split(many(['a', 'b', 'B '], 40)) }).said.join('\n'),
      /the classes "B " and "b" differ by nothing but capitals or spaces/,
    );
  });

  it('texts without a word', () => {
    const values = split(many(['a', 'b'], 40)).values.map((text, i) => (i < 2 ? '…' : text));
    assert.match(
      finished({ train: { values, labels: many(['a', 'b'], 40) } }).said.join('\n'),
      /2 texts are without a word: training sample 1, training sample 2/,
    );
  });

  it('refuses one class, more than 256, too few samples, and samples that are all the same', () => {
    assert.throws(
      () => finished({ train: split(many(['a'], 40)), validation: null, test: null }),
      refused(/one class \("a"\): a classifier needs two/),
    );
    assert.throws(
      () => finished({ train: split(Array.from({ length: 300 }, (_, i) => i)) }),
      refused(/302 classes .* at most 256.*is that the column of the labels/),
    );
    assert.throws(
      () => finished({ train: split(many(['a', 'b'], 4)) }),
      refused(/8 training texts: at least 16 are needed/),
    );
    const same = (labels: string[]) => ({ values: labels.map(() => 'x'), labels });
    const all = { train: same(many(['a', 'b'], 40)), validation: same(['a', 'b']), test: same(['a', 'b']) };
    assert.throws(() => finished(all), refused(/all texts are the same/));
  });
});
