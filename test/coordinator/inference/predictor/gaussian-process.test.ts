import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fitGaussianProcess, type Kernel } from '../../../../coordinator/inference/predictor/gaussian-process.ts';
import { quantile95 } from '../../../../coordinator/inference/predictor/predictor.ts';

const kernel: Kernel = { constant: 1, slopes: [0.5], amplitude: 1, lengths: [1], noise: 0.1 };
const near = (a: number, b: number, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

describe('a Gaussian process', () => {
  it('is the textbook formula for one observation', () => {
    const process = fitGaussianProcess([[0]], [1], { ...kernel, slopes: [0] });
    // k(0,0) = 1 + 1, noise 0.01; k(0,1) = 1 + exp(-1/2).
    const cross = 1 + Math.exp(-0.5);
    near(process.predict([1]).mean, cross / 2.01);
    near(process.predict([1]).deviation, Math.sqrt(2 + 0.01 - cross ** 2 / 2.01));
    near(process.logEvidence, -0.5 / 2.01 - 0.5 * Math.log(2.01) - 0.5 * Math.log(2 * Math.PI));
  });

  it('leaves groups out exactly as if it were fitted without them', () => {
    const points = [[0], [0.5], [2], [3]];
    const values = [0, 1, -1, 0.5];
    const groups = ['a', 'b', 'a', 'c'];
    const residuals = fitGaussianProcess(points, values, kernel).leaveOutResiduals(groups);
    const without = fitGaussianProcess([[0.5], [3]], [1, 0.5], kernel);
    for (const [at, index] of [
      [0, 0],
      [1, 2],
    ] as const) {
      const { mean, deviation } = without.predict(points[index] as number[]);
      near(residuals[at] as number, ((values[index] as number) - mean) / deviation, 1e-8);
    }
  });

  it('is never surer of a point that it has not seen than of one that it has', () => {
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (x) => {
        const process = fitGaussianProcess([[0]], [1], { ...kernel, slopes: [0] });
        assert.ok(process.predict([x]).deviation >= process.predict([0]).deviation - 1e-12);
      }),
    );
  });
});

it('the quantiles of t agree with their tables', () => {
  // Student's t, 0.975: 2.571 at 5 degrees of freedom, 2.228 at 10.
  near(quantile95(6), 2.571, 0.03);
  near(quantile95(11), 2.228, 0.01);
});
