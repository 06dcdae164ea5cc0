/** Everything under examples/ does what it says, on one coordinator with simulated boards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { z } from 'zod';
import { createClient } from '../../coordinator/cli/client.ts';
import type { Coordinator } from '../../coordinator/main.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tone, wavBytes } from '../support/wav.ts';
import { coordinatorIn, joinAgents, untilEnded } from './support/system.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
/** Of each example: seconds on a machine that has nothing else to do. */
const DEADLINE = { timeout: 240_000 };
const BOARDS = { 'pi-4': 'raspberry-pi-4', 'pi-5': 'raspberry-pi-5', 'orin-nano': 'jetson-orin-nano' };

/** Two "words", which are tones. */
function spokenWords(): Record<string, Uint8Array | string> {
  const files = ['no', 'yes'].flatMap((word, index) =>
    Array.from({ length: 24 }, (_, take) => [`${word}/${take}.wav`, wavBytes(tone(500 + 700 * index + 9 * take, 0.4))]),
  );
  const lines = (from: number, to: number) =>
    files.flatMap(([name], index) => (index % 24 >= from && index % 24 < to ? [`${name}\n`] : [])).join('');
  const inFolder = [...files, ['validation_list.txt', lines(12, 18)], ['testing_list.txt', lines(18, 24)]];
  return Object.fromEntries(inFolder.map(([name, content]) => [`words/${name}`, content as Uint8Array | string]));
}

function news(): Record<string, string> {
  const words = [
    ['goal', 'match', 'team'],
    ['market', 'shares', 'bank'],
  ];
  const rows = (count: number) =>
    Array.from({ length: count }, (_, row) => {
      const [one, two, three] = words[row % 2] as string[];
      return `"${1 + (row % 2)}","${one} of day ${row}","${two} and ${three} ${row % 7}"\n`;
    }).join('');
  return { 'news/train.csv': rows(160), 'news/test.csv': rows(40), 'news/classes.txt': 'Sports\nBusiness\n' };
}

interface House {
  coordinator: Coordinator & { log: string[] };
  /** The file as it is, but for where its data lie. */
  example(name: string): string;
}

async function house(t: TestContext): Promise<House> {
  const folder = temporaryFolder(t);
  const data = temporaryFolder(t, { ...spokenWords(), ...news() });
  const coordinator = await coordinatorIn(t, folder);
  const agents = Object.entries(BOARDS).map(([name, profile]) => [name, ['--simulate', profile]]);
  await joinAgents(t, coordinator, folder, Object.fromEntries(agents));
  const example = (name: string) => readFileSync(join(EXAMPLES, name), 'utf8').replace('path: data/', `path: ${data}/`);
  return { coordinator, example };
}

async function outcomeOf({ coordinator }: House, yaml: string): Promise<StudyDetail> {
  const { id } = await createClient({ server: coordinator.url }).createStudy(yaml);
  const study = await untilEnded(coordinator.url, id);
  assert.equal(study.state, 'succeeded', `${study.name}: ${study.reason}\n${coordinator.log.join('\n')}`);
  return study;
}

/** What an example is there to show, beyond that it ends well. */
const SHOWS: Record<string, (study: StudyDetail, house: House) => void | Promise<void>> = {
  'constraints.yaml': ({ recommendation }) => {
    const devices = (recommendation?.models ?? []).flatMap((model) => model.devices);
    const limited = devices.filter(({ device }) => device === 'pi-4');
    assert.ok(limited.length > 0 && limited.every(({ measurement }) => (measurement.latencyMs?.p99 as number) <= 5));
  },
  'int8.yaml': ({ recommendation }) => {
    const { quantised } = recommendation?.models[0] ?? {};
    assert.ok(
      quantised && 'validationAccuracy' in quantised,
      'the recommended model has an int8 file, whose accuracy is known',
    );
  },
  'server-load.yaml': ({ recommendation }) => {
    assert.equal(recommendation?.models[0]?.devices[0]?.measurement.scenario.kind, 'server');
  },
  'deterministic.yaml': async (first, place) => {
    const again = place.example('deterministic.yaml').replace('name: deterministic', 'name: again');
    const second = await outcomeOf(place, again);
    const told = ({ trialViews }: StudyDetail) =>
      trialViews.map(({ candidate, metrics, rung }) => ({ candidate, metrics, rung }));
    assert.deepEqual(told(second), told(first));
    const models = ({ recommendation }: StudyDetail) => recommendation?.models.map(({ onnxSha256 }) => onnxSha256);
    assert.deepEqual(models(second), models(first));
  },
};

/** What the program prints at the end, against this coordinator. */
async function printed({ coordinator }: House, program: string, file: string): Promise<unknown> {
  const env = { ...process.env, EDGETUNE_URL: coordinator.url, EDGETUNE_TOKEN: '' };
  const { code, out, err } = await runProgram(program, [join(EXAMPLES, file)], { env });
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

const PYTHON_CHECK = ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'];
const bestSchema = z.object({ candidate: z.object({ optimizer: z.string(), learningRate: z.number() }) });
function assertGood(best: unknown): void {
  const { optimizer, learningRate } = bestSchema.parse(best).candidate;
  assert.equal(optimizer, 'adam');
  assert.ok(learningRate > 0.001 && learningRate < 0.1, `learning rate ${learningRate}`);
}

const files = readdirSync(EXAMPLES).filter((name) => name !== 'README.md');

it('examples', async (t) => {
  const place = await house(t);
  for (const name of files.filter((each) => each.endsWith('.yaml')))
    await t.test(`${name} ends with a recommendation for each of its boards`, DEADLINE, async () => {
      const study = await outcomeOf(place, place.example(name));
      const [model] = study.recommendation?.models ?? [];
      assert.ok(model, 'a model is recommended');
      assert.deepEqual(
        model.devices.map(({ device, measurement }) => ({ device, outcome: measurement.outcome })),
        study.devices.map((device) => ({ device, outcome: 'ok' })),
      );
      await SHOWS[name]?.(study, place);
    });
  await t.test('ask-tell.mjs finds a learning rate', DEADLINE, async () =>
    assertGood(await printed(place, process.execPath, 'ask-tell.mjs')),
  );
  await t.test('ask-tell.py finds a learning rate', DEADLINE, async (python) => {
    if (spawnSync('python3', PYTHON_CHECK, { timeout: 20_000 }).status !== 0)
      return python.skip('python3 is not installed, or older than 3.8');
    assertGood(await printed(place, 'python3', 'ask-tell.py'));
  });
});

it('the page names every example', () => {
  const page = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
  assert.deepEqual(
    files.filter((name) => !page.includes(`](${name})`)),
    [],
  );
});
