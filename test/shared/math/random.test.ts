/** Weights, data, trials and replays depend on these streams: they stay as they were, bit for bit. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { keyedRandom, keyedRandom32, shuffle, variates } from '@edgetune/shared/math/random.ts';
import fc from 'fast-check';

/** The first numbers of each stream, drawn one after the other, as the first release drew them. */
const KEYED = [
  {
    keys: [],
    uniform: [0.005756610596520884, 0.5873619773257905, 0.9230146373398983],
    below: [492, 525, 128],
    normal: [-0.30476782770867655, 0.35692545128682845, 2.051664186132784],
  },
  {
    keys: [0],
    uniform: [0.04513699759750878, 0.18850771726491766, 0.6409734241219522],
    below: [715, 672, 786],
    normal: [-0.2617717169724296, 0.7828627693021409, -0.009864920727622009],
  },
  {
    keys: [7],
    uniform: [0.2803482764019146, 0.5995374745429329, 0.9994677163270437],
    below: [730, 106, 674],
    normal: [-2.1622227092099457, -1.4619016894310821, -1.4406288664215954],
  },
  {
    keys: [-3],
    uniform: [0.5752030498440097, 0.9254344546117983, 0.14144526294338444],
    below: [917, 853, 167],
    normal: [-0.5643318632239104, -1.5800895680558187, 1.213551680423544],
  },
  {
    keys: [1, 2, 3],
    uniform: [0.40877146238220885, 0.3970275820240732, 0.3194212768340583],
    below: [728, 111, 172],
    normal: [-0.33212261336292337, 1.0043440491948545, 1.3222649314216415],
  },
  {
    keys: [2 ** 40 + 5, 9],
    uniform: [0.847720257156151, 0.2577465321013237, 0.67501092750674],
    below: [744, 872, 851],
    normal: [-0.3092329191261824, 0.12768347460493468, -0.15470346443831945],
  },
];
const KEYED_32 = [
  {
    keys: [],
    uniform: [0.3588899802416563, 0.10590326134115458, 0.675290479324758],
    below: [917, 101, 301],
    normal: [-0.2199800452891266, -1.0183932559790594, -0.41926350497004233],
  },
  {
    keys: [0],
    uniform: [0.7178837528917938, 0.06705640512518585, 0.8372926057782024],
    below: [441, 358, 72],
    normal: [-0.24345866209270067, 0.9748656200339808, -0.24950378304491927],
  },
  {
    keys: [7],
    uniform: [0.4961022341158241, 0.5355898526031524, 0.8037439009640366],
    below: [778, 805, 649],
    normal: [-0.05305413176385913, -0.7725531696093998, 0.8423608245162187],
  },
  {
    keys: [-3],
    uniform: [0.6743764237035066, 0.03949461970478296, 0.12488720216788352],
    below: [732, 265, 297],
    normal: [0.3135192571886752, -0.18463542792185383, 1.4922477558922767],
  },
  {
    keys: [1, 2, 3],
    uniform: [0.9668464709538966, 0.6108527306932956, 0.47815188067033887],
    below: [625, 858, 374],
    normal: [1.8971342279318775, 0.1342411783724679, -0.2561076821164207],
  },
  {
    keys: [2 ** 40 + 5, 9],
    uniform: [0.1604150701314211, 0.8421469791792333, 0.29790961113758385],
    below: [479, 266, 236],
    normal: [0.7491375103380674, -0.21223427763919425, -1.216162475049482],
  },
];

for (const [name, streamOf, streams] of [
  ['keyedRandom', keyedRandom, KEYED],
  ['keyedRandom32', keyedRandom32, KEYED_32],
] as const)
  describe(name, () => {
    for (const { keys, uniform, below, normal } of streams)
      it(`gives the stream of [${keys}] again`, () => {
        const random = streamOf(...keys);
        const three = (draw: () => number) => [draw(), draw(), draw()];
        assert.deepEqual(three(random.uniform), uniform);
        assert.deepEqual(
          three(() => random.below(1000)),
          below,
        );
        assert.deepEqual(three(random.normal), normal);
      });

    it('stays in [0, 1), fills it evenly, and depends on every key and on their order', () => {
      const random = streamOf(3);
      const counts = new Array<number>(16).fill(0);
      for (let i = 0; i < 65_536; i++) {
        const cell = Math.floor(random.uniform() * 16);
        counts[cell] = (counts[cell] as number) + 1;
      }
      // Five standard deviations of a binomial with 65,536 draws of 1/16.
      for (const count of counts) assert.ok(Math.abs(count - 4096) < 5 * Math.sqrt(65_536 * (1 / 16) * (15 / 16)));
      const firsts = [[1], [2], [1, 2], [2, 1], [1, 0], [1, 2 ** 32], [1 + 2 ** 33]].map((keys) =>
        streamOf(...keys).uniform(),
      );
      assert.equal(new Set(firsts).size, firsts.length);
    });
  });

test('variates are the inverse and the Box–Muller transform of the uniform numbers', () => {
  const numbers = [0.25, 0.5, 0.75, 0.125];
  const random = variates(() => numbers.shift() as number);
  // By hand: −ln(3/4); √(−2 ln ½) · cos(2π · ¾) = 0; ⌊10 · 0.125⌋.
  assert.equal(random.exponential(), -Math.log(0.75));
  assert.ok(Math.abs(random.normal()) < 1e-15);
  assert.equal(random.below(10), 1);
});

test('normal and exponential numbers have the moments of their distributions', () => {
  const random = keyedRandom(11);
  const count = 40_000;
  for (const [draw, moments] of [
    [random.normal, [0, 1, 0, 3]],
    [random.exponential, [1, 2, 6, 24]],
  ] as const) {
    const values = Array.from({ length: count }, draw);
    for (const [at, moment] of moments.entries()) {
      const mean = values.reduce((sum, value) => sum + value ** (at + 1), 0) / count;
      // The moment of twice the order bounds the deviation of the mean: 8!! of a normal, (2k)! of an exponential.
      const [normal, exponential] = [
        [1, 3, 15, 105],
        [2, 24, 720, 40_320],
      ] as const;
      const square = (draw === random.normal ? normal : exponential)[at] as number;
      assert.ok(Math.abs(mean - moment) < 5 * Math.sqrt(square / count), `moment ${at + 1} is ${mean}, not ${moment}`);
    }
  }
});

test('shuffle puts the values in place into any order, each as often', () => {
  assert.deepEqual(shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], keyedRandom32(7)), [2, 1, 0, 7, 3, 8, 5, 6, 9, 4]);
  const order = [0, 1, 2];
  const random = keyedRandom32(5);
  const seen = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    assert.equal(shuffle(order, random), order);
    seen.set(`${order}`, (seen.get(`${order}`) ?? 0) + 1);
  }
  assert.equal(seen.size, 6);
  // Five standard deviations of a binomial with 6,000 draws of 1/6.
  for (const count of seen.values()) assert.ok(Math.abs(count - 1000) < 5 * Math.sqrt(6000 * (1 / 6) * (5 / 6)));
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.nat(), (values, seed) => {
      assert.deepEqual(shuffle([...values], keyedRandom32(seed)).sort(), [...values].sort());
    }),
  );
});
