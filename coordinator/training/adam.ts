/** AdamW (Loshchilov & Hutter, 2019, https://arxiv.org/abs/1711.05101) on flat arrays: the same on every backend. */
export interface AdamState {
  steps: number;
  /** Running means of the gradient and of its square. */
  first: Float32Array;
  second: Float32Array;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;

export function newAdamState(size: number): AdamState {
  return { steps: 0, first: new Float32Array(size), second: new Float32Array(size) };
}

/** One step: changes `weights` and `state` in place. */
export function adamStep(
  weights: Float32Array,
  gradient: Float32Array,
  state: AdamState,
  learningRate: number,
  weightDecay: number,
): void {
  state.steps++;
  const { first, second } = state;
  const rate = (learningRate * Math.sqrt(1 - BETA2 ** state.steps)) / (1 - BETA1 ** state.steps);
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i] as number;
    const m = BETA1 * (first[i] as number) + (1 - BETA1) * g;
    const v = BETA2 * (second[i] as number) + (1 - BETA2) * g * g;
    first[i] = m;
    second[i] = v;
    const weight = weights[i] as number;
    weights[i] = weight - (rate * m) / (Math.sqrt(v) + EPSILON) - learningRate * weightDecay * weight;
  }
}
