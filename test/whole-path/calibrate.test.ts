/** Calibration from the command line: the device is a simulated board whose coefficients the test knows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { type BoardProfile, parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import type { Term } from '@edgetune/shared/costmodel/terms.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { stringify } from 'yaml';
import { createClient } from '../../coordinator/cli/client.ts';
import { CALIBRATION_POOL } from '../../coordinator/export/calibration-pool.ts';
import { runProgram } from '../support/programs.ts';
import { network } from '../support/random-network.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { coordinatorIn, joinAgents } from './support/system.ts';

const BIN = join(import.meta.dirname, '../../coordinator/bin/edgetune.js');
const AGENT = join(import.meta.dirname, '../../agent/bin/edgetune-agent.js');

/** What a program prints. */
async function printed(...args: string[]): Promise<string> {
  const { code, out, err } = await runProgram(process.execPath, args, { seconds: 240 });
  assert.equal(code, 0, err);
  return out;
}

const CONFIG = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

/** A Raspberry Pi 5 whose convolutions are much slower, and whose matrix products and kernels' starts are faster. */
function truth(): BoardProfile {
  const profile = structuredClone(boardProfileNamed('raspberry-pi-5'));
  const factors: Partial<Record<Term, number>> = {
    'work.convolution': 2.5,
    'work.depthwise': 1.8,
    'work.matmul': 0.6,
    'fixed.convolution': 0.7,
  };
  for (const { coefficients } of profile.backends)
    for (const [term, factor] of Object.entries(factors))
      coefficients[term as Term] = (coefficients[term as Term] ?? 0) * factor;
  return { ...profile, name: 'truth' };
}

it('recovers a board whose coefficients are known, from ten architectures', async (t) => {
  const folder = temporaryFolder(t, { 'truth.yaml': stringify(truth()) });
  const coordinator = await coordinatorIn(t, folder);
  await joinAgents(t, coordinator, folder, { pi: ['--simulate', join(folder, 'truth.yaml')] });
  const out = join(folder, 'mine.yaml');
  const flags = ['--as', 'raspberry-pi-5', '--out', out, '--server', coordinator.url];
  assert.match(
    await printed(BIN, 'device', 'calibrate', 'pi', ...flags),
    /which is SIMULATED itself.*latency [\d.]+ %/s,
  );
  const fitted = parseBoardProfile(readFileSync(out, 'utf8'));
  assert.equal(fitted.name, 'mine');
  assert.match(fitted.sources.calibration ?? '', /^measured on pi \(/);

  const unseen = [
    ...CALIBRATION_POOL.map(({ build }) => build()),
    ...[16, 24, 48].map((imageSize) => network({ imageSize, channels: 12, depth: 4, kernel: 3, pool: true })),
  ].map((onnx) => analyseModel(onnx, { batchSize: 1 }));
  const errorOf = (profile: BoardProfile) => {
    const errors = unseen.map((analysis) =>
      Math.abs(predict(profile, analysis, CONFIG).latencyMs / predict(truth(), analysis, CONFIG).latencyMs - 1),
    );
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };
  const [before, after] = [errorOf(boardProfileNamed('raspberry-pi-5')), errorOf(fitted)];
  assert.ok(after < 0.08 && after < before / 3, `${before} before, ${after} after`);
  const stated = fitted.error.latencyMape ?? 0;
  assert.ok(stated >= after && stated <= 0.225, `stated: ${stated}, off by ${after}`);
  const board = JSON.parse(await printed(AGENT, 'describe', '--simulate', out));
  assert.deepEqual([board.simulated.profile, board.simulated.latencyMape], ['mine', fitted.error.latencyMape]);
});

it('says why a calibration cannot start or end', async (t) => {
  const coordinator = await coordinatorIn(t, temporaryFolder(t));
  const client = createClient({ server: coordinator.url });
  await assert.rejects(
    client.startCalibration({ device: 'none', base: 'raspberry-pi-5', name: 'x' }),
    /there is no device "none"/,
  );
  await coordinator.fleet.addDevice('pi');
  await assert.rejects(
    client.startCalibration({ device: 'pi', base: 'raspberry-pi-5', name: 'x' }),
    /has not joined yet/,
  );
  await assert.rejects(client.calibration('c-none'), /there is no calibration "c-none"/);
});
