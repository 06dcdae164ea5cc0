/** A draft whose form and text never disagree. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDraft, valueAt } from '../../../../coordinator/dashboard/components/draft.ts';

function draftOf(text: string) {
  const draft = createDraft();
  draft.setText(text);
  return draft;
}

describe('a draft', () => {
  it('sets and takes away a key, and keeps comments', () => {
    const draft = draftOf('name: a # mine\nstop:\n  trials: 5\n');
    draft.set(['stop', 'trials'], 7);
    draft.set(['tuner', 'seed'], 2);
    assert.equal(draft.text.value, 'name: a # mine\nstop:\n  trials: 7\ntuner:\n  seed: 2\n');
    draft.set(['stop', 'trials'], undefined);
    assert.equal(valueAt(draft.fields(), ['stop', 'trials']), undefined);
  });

  it('sets below a key that has no value yet, and takes away what is not there', () => {
    const draft = draftOf('name: a\nstop:\ntuner: auto\n');
    for (const path of [
      ['stop', 'trials'],
      ['budget', 'maxEpochs'],
      ['tuner', 'seed'],
      ['stop', 'deeper', 'still'],
    ])
      draft.set(path, undefined);
    assert.equal(draft.text.value, 'name: a\nstop:\ntuner: auto\n', 'nothing was there');
    draft.set(['stop', 'trials'], 7);
    draft.set(['tuner', 'seed'], 3);
    assert.deepEqual(draft.fields(), { name: 'a', stop: { trials: 7 }, tuner: { seed: 3 } });
  });

  it('changes what an alias refers to only where the alias stands', () => {
    const draft = draftOf('notes: &a\n  trials: 1\n  timeS: 9\nstop: *a\n');
    draft.set(['stop', 'trials'], 2);
    assert.deepEqual(draft.fields(), { notes: { trials: 1, timeS: 9 }, stop: { trials: 2, timeS: 9 } });
    const other = draftOf('notes: &a {trials: 1, timeS: 9}\nstop: *a\n');
    other.set(['stop', 'timeS'], undefined);
    assert.deepEqual(other.fields(), { notes: { trials: 1, timeS: 9 }, stop: { trials: 1 } });
  });

  it('waits where its text is no mapping, or refers to what is not there', () => {
    for (const text of ['', 'just words', 'a: [', 'path: *.csv\nname: a\n']) {
      const draft = draftOf(text);
      assert.equal(draft.fields(), null, text);
      draft.set(['name'], 'b');
      assert.equal(draft.text.value, text, 'nothing is lost');
    }
    const draft = draftOf('name: a\n');
    draft.set(['path'], '*.csv');
    assert.deepEqual(draft.fields(), { name: 'a', path: '*.csv' }, 'what a form writes is quoted');
  });
});
