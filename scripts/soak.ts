/**
 * Long seeded runs of what goes wrong only now and then: `npm run soak [-- PART …] [--runs N] [--seed S]`. Without a part
 * all of them; each run has its own seed, from S on (1). Ends with code 1 where a run failed, and names its seed: with
 * `--runs 1 --seed SEED` it is run again. Three seeds of each part are among the tests.
 */
import { parseArgs } from 'node:util';
import { SOAK_PARTS } from './soak/parts.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
const unknown = positionals.filter((name) => !SOAK_PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`there is no part ${unknown.join(', ')}: use ${SOAK_PARTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let failed = 0;
for (const part of SOAK_PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const reason = part.whyNot();
  if (reason !== null) {
    console.log(`SKIPPED ${part.name}: ${reason}`);
    continue;
  }
  const runs = Number(values.runs ?? part.runs);
  console.log(`${part.name}: ${part.description} (${runs} runs)`);
  for (let seed = Number(values.seed); seed < Number(values.seed) + runs; seed++) {
    const startMs = Date.now();
    const outcome = await part.run(seed).catch((error: Error) => {
      failed++;
      return `FAILED: ${error.stack}`;
    });
    console.log(`  seed ${seed}, ${Math.round((Date.now() - startMs) / 1000)} s: ${outcome}`);
  }
}
if (failed > 0) console.error(`${failed} runs failed`);
process.exit(failed > 0 ? 1 : 0);
