/**
 * No strawman: the baseline's sampler and scheduler (what mode `accuracy-only` runs) against Optuna's Hyperband on the
 * same replayed curves, at equal cost.
 */

import type { BenchTable } from '../support.ts';
import { curveFunctions } from '../tuner/curves.ts';
import { runOurs } from '../tuner/ours.ts';
import { Peer, peerPython } from '../tuner/peers.ts';
import { median } from './statistics.ts';

/** Full evaluations. */
const BUDGET = 20;

export async function baselineCheck(seeds: readonly number[], tables: readonly string[]): Promise<BenchTable> {
  const title = `The baseline against Optuna’s Hyperband (TPE): best value found on the curves after ${BUDGET} full evaluations, median of ${seeds.length} seeds; less is better`;
  const environment = peerPython();
  if ('reason' in environment) {
    console.log(`Optuna: ${environment.reason}. The baseline is not checked.`);
    return { title, rows: [] };
  }
  const peer = new Peer(environment.python, 'optuna-tpe');
  const rows: BenchTable['rows'] = [];
  for (const of of curveFunctions().filter(({ name }) => tables.includes(name.replace('Curves ', '')))) {
    const ours = seeds.map((seed) => of.best + runOurs(of, seed, BUDGET, { mode: 'accuracy-only' }));
    const theirs: number[] = [];
    for (const seed of seeds) theirs.push(of.best + ((await peer.run(of, seed, BUDGET)) ?? Number.NaN));
    const [mine, other] = [median(ours), median(theirs)];
    rows.push({
      curves: of.name,
      'accuracy-only': mine,
      [`Optuna ${environment.versions.optuna}`]: other,
      'worse by, %': 100 * (mine / other - 1),
      verdict: mine <= 1.05 * other ? 'within 5 %' : 'worse',
    });
  }
  peer.stop();
  return { title, rows };
}
