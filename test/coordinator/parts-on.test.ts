/** What a study may ask for depends on the machine that trains it: what would be trained as something else is refused. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PARTS, partsOn } from '../../coordinator/parts.ts';
import { parseStudy } from '../../coordinator/study/parse-study.ts';
import { StudyInputError } from '../../coordinator/study/state/study-errors.ts';
import { boardDescription } from '../support/fleet.ts';

const study = (space = '') => `name: a\ndataset: {format: synthetic-images}\ndevices: [pi]\n${space}`;
const checksOn = (cores: number) => ({
  parts: partsOn(cores, PARTS),
  devices: [{ name: 'pi', board: boardDescription() }],
  studies: [],
});
const asking = (domain: string) => study(`space:\n  system: {trainingCores: ${domain}}\n`);

it('more cores than training has are refused, whatever lists them, with the number and the flag', () => {
  const list = '{type: ordinal, values: [1, 2, 4]}';
  for (const domain of [list, '{type: int, min: 1, max: 4}', '{type: constant, value: 4}'])
    assert.throws(
      () => parseStudy(asking(domain), checksOn(2)),
      (error) =>
        error instanceof StudyInputError &&
        /must be a whole number from 1 to 2 \(the cores that training has on this coordinator: --training-cores\), not 4/.test(
          JSON.stringify(error.problem.issues),
        ),
    );
  assert.ok(parseStudy(asking(list), checksOn(4)));
});

it('the space of a workload that is proposed has no more of them than there are', () => {
  const coresOf = (cores: number) => parseStudy(study(), checksOn(cores)).space.system.trainingCores;
  assert.deepEqual(coresOf(1), { type: 'ordinal', values: [1] });
  assert.deepEqual(coresOf(8), { type: 'ordinal', values: [1, 2] });
});
