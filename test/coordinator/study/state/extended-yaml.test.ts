/** The text of a study that was extended. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { budgetLadderSchema } from '@edgetune/shared/domain/study.ts';
import { parse } from 'yaml';
import { extendedYaml } from '../../../../coordinator/study/state/extended-yaml.ts';

const nothing = { trials: null, epochs: null, timeS: null, energyJ: null, devices: [] };
const more = { ...nothing, at: '2026-01-01T00:00:00.000Z', trials: { from: 2, to: 8 }, started: 2 };
const other = { ...more, trials: null, devices: ['orin'] };
const spec = {
  stop: { trials: 8, timeS: 90, energyJ: 500, target: [] },
  budget: { ...budgetLadderSchema.parse({}), maxEpochs: 27, throughEpochs: [9] },
  devices: ['pi', 'orin'],
};

describe('the text of a study', () => {
  it('that was not extended is the one that was written, to the letter', () => {
    const text = 'name:   first\nstop: { trials: 2 }   # few\n';
    assert.equal(extendedYaml(text, spec, []), text);
  });

  it('has what it was extended by, and the comments', () => {
    const text = 'name: first # mine\nstop:\n  # enough\n  trials: 2\ndevices:\n  - pi # kitchen\n';
    assert.equal(
      extendedYaml(text, spec, [more, other]),
      'name: first # mine\nstop:\n  # enough\n  trials: 8\ndevices:\n  - pi # kitchen\n  - orin\n',
    );
  });

  it('changes nothing else', () => {
    assert.equal(
      extendedYaml('stop: {trials: 2}\ndevices: [pi]\n', spec, [other]),
      'stop: { trials: 2 }\ndevices: [ pi, orin ]\n',
    );
    const json = '{"name": "first", "stop": {"timeS": 60}, "devices": ["pi"]}';
    assert.deepEqual(parse(extendedYaml(json, spec, [more, other])), {
      name: 'first',
      stop: { timeS: 60, trials: 8 },
      devices: ['pi', 'orin'],
    });
    assert.deepEqual(parse(extendedYaml('name: first\ndevices: [pi]\n', spec, [more])), {
      name: 'first',
      devices: ['pi'],
      stop: { trials: 8 },
    });
  });

  it('has the longer budget, and the rungs on the way to it', () => {
    const longer = { ...more, trials: null, epochs: { from: 9, to: 27 }, timeS: { from: 60, to: 90 } };
    const text = 'budget:\n  # short\n  maxEpochs: 9\nstop: {timeS: 60} # a minute\n';
    assert.equal(
      extendedYaml(text, spec, [longer]),
      'budget:\n  # short\n  maxEpochs: 27\n  throughEpochs:\n    - 9\nstop: { timeS: 90 } # a minute\n',
    );
    const energy = { ...longer, energyJ: { from: 200, to: 500 } };
    assert.deepEqual(parse(extendedYaml('name: first\n', spec, [longer, energy])), {
      name: 'first',
      stop: { timeS: 90, energyJ: 500 },
      budget: { maxEpochs: 27, throughEpochs: [9] },
    });
  });

  it('leaves alone what its aliases stand for', () => {
    const text = 'space: {model: &few {trials: 2}}\nstop: *few\nlist: &all [pi]\ndevices: *all\n';
    assert.deepEqual(parse(extendedYaml(text, spec, [more, other])), {
      space: { model: { trials: 2 } },
      stop: { trials: 8 },
      list: ['pi'],
      devices: ['pi', 'orin'],
    });
  });
});
