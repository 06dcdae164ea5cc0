/**
 * The tuner against its peers, in one run: `npm run bench:tuner [-- --quick] [--seeds N] [--first-seed N] [--budget N]
 * [--only PATTERN] [--peers PATTERN] [--peer-seconds N] [--without-peers] [--without-speed] [--without-quality] [--json FILE]`.
 * `--peer-seconds` ends a peer's runs on a problem after so long; the row says how many seeds it has finished. Our side plays everything with one default configuration (`auto`).
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { type BenchRow, report } from './support.ts';
import { curvePairs } from './tuner/curve-pairs.ts';
import { curveFunctions } from './tuner/curves.ts';
import { exchangesPerS } from './tuner/exchanges.ts';
import { type BenchFunction, FUNCTIONS } from './tuner/functions.ts';
import { runOurs } from './tuner/ours.ts';
import { availablePeers, optunaSpeedMs, Peer, type PeerName, peerPython, supports } from './tuner/peers.ts';
import { MIXED_TWELVE, measureSpeed } from './tuner/speed.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    'first-seed': { type: 'string', default: '1' },
    budget: { type: 'string', default: '100' },
    peers: { type: 'string', default: '' },
    'peer-seconds': { type: 'string', default: 'Infinity' },
    only: { type: 'string', default: '' },
    'without-peers': { type: 'boolean', default: false },
    'without-speed': { type: 'boolean', default: false },
    'without-quality': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const seeds = Number(options.seeds ?? (options.quick ? 5 : 20));
const firstSeed = Number(options['first-seed']);
const budget = Number(options.budget);

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] as number;

/** 95 % bootstrap interval of the median. */
function medianInterval(values: readonly number[]): [number, number] {
  const random = keyedRandom(95);
  const medians = Array.from({ length: 1000 }, () =>
    quantile(
      values.map(() => values[random.below(values.length)] as number),
      0.5,
    ),
  );
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}

/** Ours against another: better, tied where the intervals of the medians overlap, or worse (smaller is better). */
function verdict(ours: readonly number[], other: readonly number[]): 'better' | 'tied' | 'worse' {
  const [a, b] = [medianInterval(ours), medianInterval(other)];
  if (a[1] < b[0]) return 'better';
  return b[1] < a[0] ? 'worse' : 'tied';
}

const environment = options['without-peers'] ? { reason: 'left out by --without-peers' } : peerPython();
if ('reason' in environment) console.log(`Peers: ${environment.reason}. Our side runs alone.`);
else console.log(`Peers: ${JSON.stringify(environment.versions)}`);
const peers =
  'reason' in environment || options['without-quality']
    ? []
    : availablePeers(environment.versions)
        .filter((name) => new RegExp(options.peers).test(name))
        .map((name) => ({ name, peer: new Peer(environment.python, name) }));

const wins = new Map<string, { better: number; tied: number; worse: number }>();
async function compared(of: BenchFunction): Promise<BenchRow> {
  const each = Array.from({ length: seeds }, (_, index) => firstSeed + index);
  const ours = each.map((seed) => runOurs(of, seed, budget, {}));
  const row: BenchRow = {
    problem: of.name,
    EdgeTune: quantile(ours, 0.5),
    quartiles: [0.25, 0.75].map((q) => quantile(ours, q).toPrecision(2)).join('…'),
  };
  const set = (name: PeerName | 'random', scores: readonly number[]) => {
    const result = verdict(ours, scores);
    row[name] = quantile(scores, 0.5);
    row[`vs ${name}`] = result;
    const tally = wins.get(name) ?? { better: 0, tied: 0, worse: 0 };
    tally[result]++;
    wins.set(name, tally);
  };
  set(
    'random',
    each.map((seed) => runOurs(of, seed, budget, { sampler: 'random', scheduler: 'none' })),
  );
  for (const { name, peer } of peers) {
    if (!supports(name, of)) continue;
    const scores: number[] = [];
    const deadlineMs = Date.now() + 1000 * Number(options['peer-seconds']);
    for (const seed of each) {
      const score = Date.now() > deadlineMs ? null : await peer.run(of, seed, budget, deadlineMs);
      if (score !== null) scores.push(score);
    }
    if (scores.length < seeds) row[`${name} seeds`] = scores.length;
    if (scores.length > 0) set(name, scores);
  }
  console.log(JSON.stringify(row));
  return row;
}

const quality: BenchRow[] = [];
const curves = [...curveFunctions(), ...curvePairs()];
if (curves.length === 0) console.log('Learning curves: ../shared/data/curves is not there; left out.');
for (const of of [...FUNCTIONS, ...curves].filter(({ name }) => new RegExp(options.only).test(name)))
  if (!options['without-quality']) quality.push(await compared(of));
for (const { peer } of peers) peer.stop();

setFlagsFromString('--expose-gc');
globalThis.gc ??= runInNewContext('gc');
const speed: BenchRow[] = (
  options['without-speed']
    ? []
    : [
        [2000, 1],
        [10_000, 1],
        [1000, 3],
        [2000, 3],
      ]
).map(([trials, objectives]) => {
  const { medianMs, p99Ms, bytesPerTrial } = measureSpeed(trials as number, objectives as number);
  // Optuna at 10,000 would take minutes: its figure at 2,000 stands for it.
  const of = {
    parameters: peerParameters(),
    objectives: objectives as number,
    trials: Math.min(trials as number, objectives === 1 ? 2000 : 1000),
    repeats: 15,
  };
  const optuna = 'reason' in environment ? null : optunaSpeedMs(environment.python, of);
  return {
    trials: trials as number,
    objectives: objectives as number,
    'EdgeTune ask+tell, ms': medianMs,
    'p99, ms': p99Ms,
    'bytes per trial': Math.round(bytesPerTrial),
    'Optuna TPE, ms': optuna,
    'Optuna at': of.trials,
  };
});

const exchanges: BenchRow[] = [];
for (const sampler of options['without-speed'] ? [] : ['random', 'tpe', 'dehb', 'auto'])
  exchanges.push({
    sampler,
    'first 400 rungs': Math.round(await exchangesPerS(sampler, 400)),
    'first 3,000 rungs': Math.round(await exchangesPerS(sampler, 3000)),
  });

/** The twelve parameters in the kinds that Optuna knows: ordinal and boolean as categorical. */
function peerParameters(): object[] {
  return MIXED_TWELVE.map((parameter) => {
    if (parameter.type === 'ordinal') return { ...parameter, type: 'categorical', choices: parameter.values };
    return parameter.type === 'boolean' ? { ...parameter, type: 'categorical', choices: [false, true] } : parameter;
  });
}

report([
  ...(quality.length === 0
    ? []
    : [
        {
          title: `Regret (one objective) or missing share of hypervolume after ${budget} full evaluations, median of ${seeds} seeds from ${firstSeed}; less is better`,
          rows: quality,
        },
        {
          title: 'EdgeTune against each',
          rows: [...wins].map(([peer, tally]) => ({
            peer,
            ...tally,
            'best or tied': `${Math.round((100 * (tally.better + tally.tied)) / (tally.better + tally.tied + tally.worse))} %`,
          })),
        },
      ]),
  ...(speed.length > 0
    ? [
        { title: 'Speed with 12 mixed parameters', rows: speed },
        {
          title: 'Exchanges a second with the program `edgetune tuner` (an ask or a tell is one), from its first on',
          rows: exchanges,
        },
      ]
    : []),
]);
