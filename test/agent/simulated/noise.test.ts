/** Runs of a simulated board are told again from its seed: the streams stay as they were, bit for bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../../agent/simulated/noise.ts';

/** The first numbers of each stream, drawn one after the other, as the first release drew them. */
const STREAMS = [
  {
    seed: '',
    uniform: [0.9342919945484027, 0.5135169759159908, 0.18275575747247785],
    normal: [1.2539577470013126, 1.893790899533198, 0.9012080984110211],
    exponential: [1.4220888140986427, 0.3869695151296838, 0.008807945533739701],
  },
  {
    seed: 'pi',
    uniform: [0.5779593830229715, 0.11880627961363643, 0.156509997905232],
    normal: [-1.5243998769974592, -1.4527615634279498, -1.1390850946519384],
    exponential: [1.265364577219288, 0.206245728211292, 1.6196789125541846],
  },
  {
    seed: 'raspberry-pi-5/1',
    uniform: [0.4100329220527783, 0.9922136302338913, 0.8342194686410949],
    normal: [0.2144905766112722, -1.3254889514376962, 1.0148389541516902],
    exponential: [3.4842721333201543, 0.7573383312819112, 4.920315868865723],
  },
];

for (const { seed, uniform, normal, exponential } of STREAMS)
  test(`the seed "${seed}" gives its stream again`, () => {
    const random = randomFrom(seed);
    const three = (draw: () => number) => [draw(), draw(), draw()];
    assert.deepEqual(three(random.uniform), uniform);
    assert.deepEqual(three(random.normal), normal);
    assert.deepEqual(three(random.exponential), exponential);
  });
