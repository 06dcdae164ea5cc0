/** `npm run bench [-- --json FILE]`: what EdgeTune's own parts cost on this machine. */
import { benchAgent } from './agent.ts';
import { benchAsynchrony } from './asynchrony.ts';
import { benchDisturbance } from './disturbance.ts';
import { benchFleet } from './fleet.ts';
import { benchStore } from './store.ts';
import { report } from './support.ts';
import { benchTraining } from './training.ts';

const tables = [
  ...(await benchTraining()),
  await benchDisturbance(),
  await benchAsynchrony(),
  await benchFleet({ agents: 200 }),
  await benchStore(),
  await benchAgent(),
];
report(tables);
process.exit();
