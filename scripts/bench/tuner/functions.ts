/** The benchmark functions, minimised, with their fidelities and what is known of their best. */
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';

export type Values = Record<string, number>;

export interface BenchFunction {
  name: string;
  parameters: Parameter[];
  objectives: number;
  constrained: boolean;
  /** Values to be minimised and, where there is a constraint, its violation. `fidelity` in (0, 1]; `noise` keys the noise. */
  evaluate(x: Values, fidelity: number, noise: number): { losses: number[]; violation: number };
  /** Lowest fidelity that is offered; 1: none below the full one. */
  lowestFidelity: number;
  /** Cost of one evaluation at a fidelity. */
  cost(fidelity: number): number;
  /** One objective: the least value. Several: the best hypervolume at `reference`. */
  best: number;
  reference?: number[];
}

const float = (name: string, min = 0, max = 1): Parameter => ({
  name,
  level: 'training',
  type: 'float',
  min,
  max,
  scale: 'linear',
});
const floats = (count: number) => Array.from({ length: count }, (_, i) => float(`x${i + 1}`));
const vector = (x: Values, count: number) => Array.from({ length: count }, (_, i) => x[`x${i + 1}`] as number);
const single = { objectives: 1, constrained: false, lowestFidelity: 1, cost: () => 1 };

const ALPHA = [1, 1.2, 3, 3.2];
const H3 = {
  a: [
    [3, 10, 30],
    [0.1, 10, 35],
    [3, 10, 30],
    [0.1, 10, 35],
  ],
  p: [
    [3689, 1170, 2673],
    [4699, 4387, 7470],
    [1091, 8732, 5547],
    [381, 5743, 8828],
  ],
  best: -3.86278,
};
const H6 = {
  a: [
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
  ],
  p: [
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
  ],
  best: -3.32237,
};

export function hartmann(x: number[], { a, p }: typeof H3, alpha = ALPHA): number {
  return -alpha.reduce((sum, weight, i) => {
    const inner = x.reduce((s, value, j) => s + (a[i]?.[j] as number) * (value - 1e-4 * (p[i]?.[j] as number)) ** 2, 0);
    return sum + weight * Math.exp(-inner);
  }, 0);
}

function hartmannFunction(dimensions: 3 | 6, multiFidelity: boolean): BenchFunction {
  const data = dimensions === 3 ? H3 : H6;
  return {
    ...single,
    name: `${multiFidelity ? 'MF-' : ''}Hartmann-${dimensions}`,
    parameters: floats(dimensions),
    best: data.best,
    ...(multiFidelity ? { lowestFidelity: 1 / 27, cost: (z: number) => 0.05 + 0.95 * z ** 2 } : {}),
    evaluate(x, fidelity, noise) {
      // z = 1 … 100; s = ln z ÷ ln 100; bias .5 and noise .1 are the defaults.
      const s = Math.log(Math.max(1, 100 * fidelity)) / Math.log(100);
      const alpha = ALPHA.map((weight) => weight - 0.5 * (1 - s));
      const disturbance = multiFidelity ? Math.abs(keyedRandom(noise, 5).normal()) * 0.1 * (1 - s) : 0;
      return {
        losses: [hartmann(vector(x, dimensions), data, multiFidelity ? alpha : ALPHA) + disturbance],
        violation: 0,
      };
    },
  };
}

export function branin(a: number, b: number): number {
  return (
    (b - (5.1 / (4 * Math.PI ** 2)) * a * a + (5 / Math.PI) * a - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) +
    10
  );
}

/** Minus Currin's function. */
export function currin(x: number, y: number): number {
  const damp = y === 0 ? 1 : 1 - Math.exp(-1 / (2 * y));
  return -(damp * (2300 * x ** 3 + 1900 * x ** 2 + 2092 * x + 60)) / (100 * x ** 3 + 500 * x ** 2 + 4 * x + 20);
}

const BOREHOLE = {
  rw: [0.05, 0.15],
  r: [100, 50000],
  Tu: [63070, 115600],
  Hu: [990, 1110],
  Tl: [63.1, 116],
  Hl: [700, 820],
  L: [1120, 1680],
  Kw: [9855, 12045],
};

/** Minus the borehole function. */
export function borehole(x: Values): number {
  const { rw, r, Tu, Hu, Tl, Hl, L, Kw } = x as Record<keyof typeof BOREHOLE, number>;
  const log = Math.log(r / rw);
  return -(2 * Math.PI * Tu * (Hu - Hl)) / (log * (1 + (2 * L * Tu) / (log * rw ** 2 * Kw) + Tu / Tl));
}

function countingOnes(choices: number): BenchFunction {
  const d = 2 * choices;
  return {
    ...single,
    name: `Counting-ones ${choices}+${choices}`,
    parameters: [
      ...Array.from(
        { length: choices },
        (_, i): Parameter => ({ name: `c${i + 1}`, level: 'model', type: 'categorical', choices: [0, 1] }),
      ),
      ...floats(choices),
    ],
    lowestFidelity: 1 / 81,
    cost: (fidelity) => fidelity,
    best: -1,
    evaluate(x, fidelity, noise) {
      const draws = Math.max(1, Math.round((93312 / d) * fidelity));
      const random = keyedRandom(noise, 9);
      let sum = 0;
      for (let i = 1; i <= choices; i++) {
        const p = x[`x${i}`] as number;
        // The mean of so many Bernoulli draws, by its normal approximation (576 ÷ d draws at least).
        const mean = p + random.normal() * Math.sqrt((p * (1 - p)) / draws);
        sum += (x[`c${i}`] as number) + Math.min(1, Math.max(0, mean));
      }
      return { losses: [-sum / d], violation: 0 };
    },
  };
}

function zdt(variant: 1 | 2 | 3): BenchFunction {
  return {
    ...single,
    name: `ZDT${variant}`,
    parameters: floats(6),
    objectives: 2,
    reference: [1.1, 1.1],
    best: [0.87667, 0.54333, 1.3317][variant - 1] as number,
    evaluate(values) {
      const x = vector(values, 6);
      const first = x[0] as number;
      const g = 1 + (9 * x.slice(1).reduce((sum, value) => sum + value, 0)) / 5;
      const root = Math.sqrt(first / g);
      const second = {
        1: g * (1 - root),
        2: g * (1 - (first / g) ** 2),
        3: g * (1 - root - (first / g) * Math.sin(10 * Math.PI * first)),
      }[variant];
      return { losses: [first, second], violation: 0 };
    },
  };
}

function dtlz2(constrained: boolean): BenchFunction {
  return {
    ...single,
    name: constrained ? 'C2-DTLZ2' : 'DTLZ2',
    constrained,
    parameters: floats(6),
    objectives: 2,
    reference: [1.1, 1.1],
    best: constrained ? 0.40003 : 0.4246,
    evaluate(values) {
      const x = vector(values, 6);
      const g = x.slice(1).reduce((sum, value) => sum + (value - 0.5) ** 2, 0);
      const angle = ((x[0] as number) * Math.PI) / 2;
      const [a, b] = [(1 + g) * Math.cos(angle), (1 + g) * Math.sin(angle)];
      const r = 0.04;
      const middle = (a - Math.SQRT1_2) ** 2 + (b - Math.SQRT1_2) ** 2 - 2 * r;
      const excess = Math.min((a - 1) ** 2 + b ** 2 - r, (b - 1) ** 2 + a ** 2 - r, middle);
      return { losses: [a, b], violation: constrained ? Math.max(0, excess) : 0 };
    },
  };
}

const braninCurrin = (constrained: boolean): BenchFunction => ({
  ...single,
  name: `${constrained ? 'C-' : ''}Branin-Currin`,
  parameters: floats(2),
  objectives: 2,
  constrained,
  reference: constrained ? [80, 12] : [18, 6],
  best: constrained ? 608.40042 : 59.36012,
  evaluate(values) {
    const [x, y] = vector(values, 2) as [number, number];
    const [a, b] = [15 * x - 5, 15 * y];
    const violation = constrained ? Math.max(0, (a - 2.5) ** 2 + (b - 7.5) ** 2 - 50) : 0;
    // In this benchmark Currin is minimised, not maximised.
    return { losses: [branin(a, b), -currin(x, y)], violation };
  },
});

export const FUNCTIONS: BenchFunction[] = [
  {
    ...single,
    name: 'Branin',
    parameters: [float('x1', -5, 10), float('x2', 0, 15)],
    best: 0.397887,
    evaluate: (x) => ({ losses: [branin(x.x1 as number, x.x2 as number)], violation: 0 }),
  },
  {
    ...single,
    name: 'Currin',
    parameters: floats(2),
    best: -13.79869,
    evaluate: (x) => ({ losses: [currin(x.x1 as number, x.x2 as number)], violation: 0 }),
  },
  {
    ...single,
    name: 'Borehole',
    parameters: Object.entries(BOREHOLE).map(([name, [min, max]]) => float(name, min, max)),
    best: -309.5232,
    evaluate: (x) => ({ losses: [borehole(x)], violation: 0 }),
  },
  hartmannFunction(3, false),
  hartmannFunction(6, false),
  hartmannFunction(3, true),
  hartmannFunction(6, true),
  countingOnes(4),
  countingOnes(8),
  countingOnes(16),
  zdt(1),
  zdt(2),
  zdt(3),
  dtlz2(false),
  dtlz2(true),
  braninCurrin(false),
  braninCurrin(true),
];
