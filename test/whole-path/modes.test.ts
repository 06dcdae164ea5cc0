/** The modes with nothing replaced: real training, a simulated board in an agent process, the store's own events. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { coordinatorIn, joinAgents, smallStudy, untilEnded } from './support/system.ts';

const MODES = ['onefold', 'accuracy-only', 'hierarchical', 'hyperpower', 'top-k-after-one-epoch'] as const;

it('every mode ends with a measured recommendation, and asks the board when it says that it does', async (t) => {
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder, { minDurationMs: 30, minRuns: 10 });
  const client = createClient({ server: coordinator.url });
  await joinAgents(t, coordinator, folder, { pi: ['--simulate', 'raspberry-pi-5'] });
  const bodies = new Map<string, StudyEventBody[]>();
  for (const mode of MODES) {
    const yaml = smallStudy(['pi'], `tuner: {mode: ${mode}, seed: 4}`)
      .replace('name: small', `name: ${mode}`)
      .replace('  inference:', '  system: {trainingCores: {type: ordinal, values: [1, 2]}}\n  inference:');
    const { id } = await client.createStudy(yaml);
    const study = await untilEnded(coordinator.url, id);
    assert.equal(study.state, 'succeeded', `${mode}: ${study.reason}`);
    const [model] = study.recommendation?.models ?? [];
    assert.equal(model?.epochs, 2, `${mode}: trained to the end`);
    assert.equal(
      model?.devices[0]?.measurement.modelSha256,
      model?.onnxSha256,
      `${mode}: this very model was measured`,
    );
    bodies.set(
      mode,
      coordinator.studies.events(id, 0, 10_000).map(({ body }) => body),
    );
  }
  const searches = (mode: string) => bodies.get(mode)?.filter(({ type }) => type === 'inference-started').length ?? 0;
  const trialsOf = (mode: string) =>
    new Set(bodies.get(mode)?.flatMap((body) => (body.type === 'trial-asked' ? [body.trialId] : []))).size;
  for (const mode of ['accuracy-only', 'hierarchical']) {
    assert.equal(searches(mode), 0, `${mode}: no device is asked during the search`);
    const events = bodies.get(mode) ?? [];
    const firstMeasured = events.findIndex(({ type }) => type === 'measured');
    const lastTold = events.findLastIndex(({ type }) => type === 'trial-told');
    assert.ok(firstMeasured > lastTold, `${mode}: measured after the last trial`);
  }
  assert.equal(trialsOf('accuracy-only'), 3);
  assert.equal(trialsOf('hierarchical'), 5, 'three trials, and the two numbers of training cores');
  for (const mode of ['onefold', 'hyperpower', 'top-k-after-one-epoch']) assert.ok(searches(mode) > 0, mode);
});
