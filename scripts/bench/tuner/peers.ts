/** The peers: a Python environment made for the benchmark, and runs of their optimisers on our functions. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { budgetLadder } from '../../../coordinator/tuner/ladder.ts';
import type { BenchFunction } from './functions.ts';
import { ladderOf, Score } from './ours.ts';

const PROGRAM = join(import.meta.dirname, 'peers.py');

/** The package of each peer: a peer whose package cannot be installed is left out. */
const PACKAGE_OF = {
  'optuna-tpe': 'optuna',
  'optuna-nsga2': 'optuna',
  dehb: 'dehb',
  bohb: 'hpbandster',
  moasha: 'syne-tune',
} as const;
export type PeerName = keyof typeof PACKAGE_OF;

/** DEHB and BOHB know one objective, MO-ASHA is for several; all three are nothing without fidelities. */
export function supports(peer: PeerName, of: BenchFunction): boolean {
  if (peer === 'optuna-tpe') return true;
  if (peer === 'optuna-nsga2') return of.objectives > 1;
  return of.lowestFidelity < 1 && (peer === 'moasha') === of.objectives > 1;
}

/** Peers that can run with what is installed. */
export function availablePeers(versions: Record<string, string>): PeerName[] {
  return (Object.keys(PACKAGE_OF) as PeerName[]).filter((peer) => PACKAGE_OF[peer] in versions);
}

/** The Python of an environment with the peers, made in the temporary folder at first; a reason where that cannot be. */
export function peerPython(): { python: string; versions: Record<string, string> } | { reason: string } {
  const folder = join(tmpdir(), 'edgetune-bench-venv');
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const run = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });
  if (!existsSync(python)) {
    const made = run('python3', '-m', 'venv', folder);
    if (made.status !== 0) return { reason: `python3 -m venv failed: ${made.stderr || made.error?.message}` };
  }
  const versionsNow = () => z.record(z.string(), z.string()).parse(JSON.parse(run(python, PROGRAM, 'versions').stdout));
  // One by one: what cannot be installed must not keep the others away.
  for (const name of new Set(Object.values(PACKAGE_OF))) {
    if (name in versionsNow()) continue;
    console.log(`installing ${name} into ${folder} …`);
    const installed = run(python, '-m', 'pip', 'install', '--quiet', name);
    if (installed.status !== 0)
      console.log(`Left out: ${name}, which pip could not install: ${installed.stderr.trim().split('\n').at(-1)}`);
  }
  const versions = versionsNow();
  if (Object.keys(versions).length === 0) return { reason: 'none of the peers could be installed' };
  return { python, versions };
}

const askedSchema = z.union([
  z.object({ done: z.literal(true) }),
  z.object({ trial: z.number(), x: z.record(z.string(), z.number()), fidelity: z.number() }),
]);

/** One peer as a running program. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string, name: PeerName) {
    this.#child = spawn(python, [PROGRAM, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!this.#child.stdout) throw new Error('the peer has no output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The score after a cost of `budget` full evaluations; null where that takes longer than until `deadlineMs` (of `Date.now`). */
  async run(of: BenchFunction, seed: number, budget: number, deadlineMs = Infinity): Promise<number | null> {
    const ladder = budgetLadder(ladderOf(of));
    const top = ladder.at(-1)?.epochs as number;
    this.#write({
      parameters: of.parameters,
      objectives: of.objectives,
      fidelities: ladder.map(({ epochs }) => epochs / top),
      seed,
      constrained: of.constrained,
    });
    const score = new Score(of);
    const paid = new Map<number, number>();
    for (let spent = 0, count = 0; ; count++) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the peer ended in the middle of ${of.name}`);
      const asked = askedSchema.parse(JSON.parse(value));
      const late = Date.now() > deadlineMs;
      if ('done' in asked) return late ? null : score.value;
      if (late || spent >= budget - 1e-9) {
        this.#write({ losses: [], violation: 0, stop: true });
        continue;
      }
      spent += of.cost(asked.fidelity) - (paid.get(asked.trial) ?? 0);
      paid.set(asked.trial, of.cost(asked.fidelity));
      const { losses, violation } = of.evaluate(asked.x, asked.fidelity, seed * 1e6 + count);
      if (asked.fidelity === 1) score.add(losses, violation);
      this.#write({ losses, violation, stop: false });
    }
  }

  #write(message: object) {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  stop() {
    this.#child.stdin?.end();
  }
}

/** Optuna's median ask and tell with the same parameters and as many trials. */
export function optunaSpeedMs(
  python: string,
  request: { parameters: object[]; objectives: number; trials: number; repeats: number },
): number {
  const run = spawnSync(python, [PROGRAM, 'speed'], { input: `${JSON.stringify(request)}\n`, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`Optuna's speed could not be measured: ${run.stderr}`);
  return z.object({ medianMs: z.number() }).parse(JSON.parse(run.stdout)).medianMs;
}
