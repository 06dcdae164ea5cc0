/** The dashboard in a real browser, against an API with answers from memory. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Browser, Page } from 'playwright-core';
import { parse } from 'yaml';
import { buildDashboard } from '../../../coordinator/dashboard/build.ts';
import { standInData } from '../../../scripts/soak/stand-in-data.ts';
import { launchChromium, noChromium, openPage } from '../../support/chromium.ts';
import { type FakeCoordinator, startFakeCoordinator } from './support/fake-coordinator.ts';
import {
  recommendationFor,
  STUDY_PARTS,
  sampleDevice,
  sampleStudy,
  sampleTrial,
  simulatedDevice,
  summaryOf,
} from './support/sample-data.ts';

/** One of them, as PNG in base64. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

describe('dashboard', { skip: noChromium }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'edgetune-dashboard-'));
  let browser: Browser;
  let fake: FakeCoordinator;
  let page: Page;
  /** What the browser complained of, and what it asked of anyone but the coordinator. */
  let complaints: string[];

  before(async () => {
    await buildDashboard(directory);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    fake = await startFakeCoordinator(directory);
    page = await openPage(browser);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
    page.on('request', (request) => {
      const own = request.url().startsWith(fake.url) || request.url().startsWith('blob:');
      if (!own) complaints.push(`request to ${request.url()}`);
    });
  });
  afterEach(async () => {
    await page.close();
    await fake.close();
    assert.deepEqual(complaints, []);
  });

  const text = (value: string) => page.getByText(value, { exact: true });
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
  const open = (route: string) => page.goto(`${fake.url}/#/${route}`);

  it('is not built again from the same sources', async () => {
    const built = statSync(join(directory, 'index.html')).mtimeMs;
    await buildDashboard(directory);
    assert.equal(statSync(join(directory, 'index.html')).mtimeMs, built);
  });

  it('has no inline script, which the content policy would refuse', () => {
    assert.doesNotMatch(readFileSync(join(directory, 'index.html'), 'utf8'), /<script(?![^>]*\ssrc=)/);
  });

  it('adds a device by its name, and sees it join', async () => {
    await open('fleet');
    await button('Add device').click();
    await page.getByLabel('Name').fill('kitchen-pi');
    await page.keyboard.press('Enter');
    const command = page.getByLabel('Command', { exact: true });
    assert.match(await command.inputValue(), /^curl -fsSL http.*--name kitchen-pi --token secret$/);
    await text('Without root, for as long as it runs (needs Node.js 20 or later)').click();
    assert.match(await page.getByLabel('Command without root').inputValue(), /^npx --yes http.*--token secret$/);
    await text('Waiting for kitchen-pi to join …').waitFor();
    fake.push('/api/stream', { type: 'device', device: sampleDevice('kitchen-pi') });
    await text('✓ kitchen-pi has joined.').waitFor();
    await page.keyboard.press('Escape');
    await text('1 device, 1 ready').waitFor();
  });

  it('renames a device, and removes it only when that is confirmed', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('fleet');
    await button('Rename kitchen-pi').click();
    await page.getByLabel('New name').fill('hall-pi');
    await button('Rename').click();
    await button('Remove hall-pi').click();
    await button('Cancel').click();
    assert.deepEqual(fake.requests, ['PATCH /api/devices/kitchen-pi {"name":"hall-pi"}']);
    await button('Remove hall-pi').click();
    await button('Remove').click();
    await page.getByText('No device yet').waitFor();
    assert.equal(fake.requests.at(-1), 'DELETE /api/devices/hall-pi');
  });

  it('says what a board does not have, and how to get it', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('fleet');
    await text('Not available on this board: power').click();
    await page.getByText('no power meter was found. To get it: use a smart plug (--power-plug).').waitFor();
  });

  it('says which agent is offered, and why an update failed', async () => {
    const failed = { release: '0.2.0-abc', reason: 'a tiny model could not be run' };
    fake.devices.push(sampleDevice('kitchen-pi', { agentUpdate: { offered: '0.3.0', failed } }));
    await open('fleet');
    await text('Agent 0.3.0 is offered: it is installed between two measurements.').waitFor();
    const card = page.getByRole('listitem', { name: 'Device kitchen-pi' });
    assert.match(
      (await card.textContent()) ?? '',
      /Update failed to agent 0\.2\.0-abc: a tiny model could not be run\./,
    );
  });

  it('says which two boards use the credential of one device, and what to do', async () => {
    const sharedCredential = {
      first: 'Pi 5, serial A',
      second: 'Pi 4, serial B',
      lastSeenAt: '2026-01-01T00:00:00.000Z',
    };
    fake.devices.push(sampleDevice('kitchen-pi', { sharedCredential }));
    await open('fleet');
    const card = page.getByRole('listitem', { name: 'Device kitchen-pi' });
    assert.match(
      (await card.getByRole('alert').textContent()) ?? '',
      /two boards use the credential of kitchen-pi: Pi 5, serial A \(first\) and Pi 4, serial B, which is refused\. To mend it, join the second under a name of its own: run "edgetune device add kitchen-pi-2"/,
    );
  });

  it('says why an agent is not offered a newer one, and which boards nobody here knows', async () => {
    const refused =
      'it joined before updates were signed: paste the line of "edgetune device add NAME --renew" on the board';
    fake.devices.push(sampleDevice('kitchen-pi', { agentUpdate: { offered: null, failed: null, refused } }));
    const [deviceId, coordinator] = ['d-00000000000a', 'c-ffffffffffffffff'];
    fake.strangers.push({ deviceId, model: 'Raspberry Pi 5', coordinator, lastSeenAt: '2026-01-01T00:00:00.000Z' });
    await open('fleet');
    const card = page.getByRole('listitem', { name: 'Device kitchen-pi' });
    assert.match((await card.textContent()) ?? '', /Not updated There is a newer agent, and .* joined before updates/);
    const unknown = (await page.getByRole('region', { name: 'Unknown boards' }).textContent()) ?? '';
    assert.match(unknown, /1 board that this coordinator does not know.*another data directory/);
    assert.match(unknown, /d-00000000000a \(Raspberry Pi 5\), last heard .*it has joined the coordinator c-f{16}/);
  });

  it('marks a simulated device with its profile and its error', async () => {
    fake.devices.push(simulatedDevice('nano-sim'));
    await open('fleet');
    const card = page.getByRole('listitem', { name: 'Device nano-sim' });
    assert.match((await card.textContent()) ?? '', /SIMULATED computed from profile jetson-nano; .*12\.3 % on average/);
    await text('1 measurement running, 2 waiting').waitFor();
  });

  it('writes YAML from the form, shows mistakes at their lines, and starts the study', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'), sampleDevice('shed-pi', { presence: 'offline' }));
    fake.studies.push(sampleStudy(['kitchen-pi'], 0));
    await open('new');
    const yaml = page.getByLabel('Study as YAML');
    await page.getByLabel('shed-pi').check();
    await page.getByLabel('Trials at most').fill('7');
    await page.getByLabel('Constraints').fill('latency.p99 <= 50 parsecs');
    await button('Start study').click();
    await button('Line 12').click();
    assert.equal(await page.evaluate('getSelection().toString()'), '  - latency.p99 <= 50 parsecs');
    assert.match((await page.getByRole('alert').textContent()) ?? '', /constraints\.0.*"50 parsecs" is not a time/);
    await yaml.fill((await yaml.inputValue()).replace('parsecs', 'ms'));
    assert.equal(await page.getByLabel('Constraints').inputValue(), 'latency.p99 <= 50 ms');
    await button('Start study').click();
    await page.getByRole('heading', { name: 'digits for the kitchen' }).waitFor();
    const sent = fake.requests.at(-1) ?? '';
    for (const part of ['- kitchen-pi\\n  - shed-pi', 'trials: 7', '# or idx'])
      assert.ok(sent.includes(part), `${part} in ${sent}`);
  });

  it('offers what the coordinator says that there is', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('new');
    await text('Tuner').click();
    const offered = async (label: string) =>
      page.getByRole('combobox', { name: label }).locator('option').allTextContents();
    assert.deepEqual(await offered('Sampler'), ['auto', 'sampler-of-this-test']);
    assert.deepEqual(await offered('Scheduler'), ['auto', 'scheduler-of-this-test']);
    assert.deepEqual(await offered('Load scenario'), [
      'single-stream',
      'multi-stream',
      'server',
      'scenario-of-this-test',
    ]);
    assert.deepEqual(await offered('Format'), ['found out', 'synthetic-images', 'format-of-this-test']);
    assert.equal(await page.getByLabel('path').count(), 0);
    await page.getByRole('combobox', { name: 'Format' }).selectOption('format-of-this-test');
    assert.equal(await page.getByLabel('path').inputValue(), '/data/here');
    await page.getByLabel('shift').fill('5');
    await page.getByLabel('shift').blur();
    await page.getByLabel('mirrored').check();
    assert.equal(await page.getByLabel('quick').count(), 0, 'what need not be given is written in the YAML');
    assert.equal(await page.getByLabel('sizes').inputValue(), '28');
    await page.getByLabel('sizes').fill('28, 32');
    await page.getByLabel('labels').fill('cat\nall, else');
    await page.getByLabel('labels').blur();
    await page.getByText('crop (four sides) is written in the YAML.').waitFor();
    assert.deepEqual((parse(await page.getByLabel('Study as YAML').inputValue()) as StudySpec).dataset, {
      format: 'format-of-this-test',
      path: '/data/here',
      shift: 5,
      mirrored: true,
      sizes: [28, 32],
      labels: ['cat', 'all, else'],
      crop: { top: 1 },
    });
  });

  it('looks at data whose format is found out, before anything is trained', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    fake.dataset = {
      ...standInData({
        ...{ format: 'image-folder', isFormatFound: true, classes: ['cat', 'dog'], shape: '8×8 pixels, grey' },
        samplesByClass: { train: [30, 29], validation: [5, 6], test: [7, 8] },
        ...{ files: 85, cut: ['test'], notices: [{ level: 'warning', message: 'dogs are few' }] },
      }).evidence,
      ...{ dataset: { format: 'image-folder', path: '/photos' }, holds: 'images' },
      samples: [{ split: 'train', label: 'cat', origin: 'cat/1.png', png: PIXEL }],
    };
    await open('new');
    await page.getByRole('combobox', { name: 'Format' }).selectOption('found out');
    await page.getByLabel('path').fill('/photos');
    await page.getByLabel('path').blur();
    await button('Check the data').click();
    const look = page.getByRole('region', { name: 'Check of the data' });
    await look
      .getByText(/^dataset format image-folder \(found\); 59 training, 11 validation, 15 test samples/)
      .waitFor();
    await look.getByText('Warning: dogs are few').waitFor();
    assert.deepEqual(await look.getByRole('row').allTextContents(), [
      'Classtrainvalidationtest (cut)',
      'cat3057',
      'dog2968',
    ]);
    assert.equal(await look.locator('figure[title="cat/1.png, train"] img').count(), 1);
    assert.deepEqual(JSON.parse(fake.requests.at(-1)?.replace('POST /api/datasets/check ', '') ?? ''), {
      dataset: { path: '/photos' },
      workload: 'image-classifier',
    });
    // Other data have not been looked at.
    await page.getByLabel('path').fill('/elsewhere');
    await page.getByLabel('path').blur();
    await look.getByRole('table').waitFor({ state: 'detached' });
    fake.dataset = null;
    await button('Check the data').click();
    await look.getByText('/elsewhere does not exist').waitFor();
  });

  it('offers the metrics that there are as objectives, the rarer ones on demand', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('new');
    assert.ok(await page.getByLabel('Highest accuracy').isChecked());
    await page.getByLabel('Lowest told by the coordinator alone').check();
    const rare = page.getByLabel('Lowest rarely wanted');
    assert.ok(!(await rare.isVisible()));
    await text('More: 0 of 1 chosen').click();
    await rare.check();
    await text('More: 1 of 1 chosen').waitFor();
    assert.match(
      await page.getByLabel('Study as YAML').inputValue(),
      /- minimize latency\.p50\n +- minimize metric\.of\.this\.test\n +- minimize rare\.metric\n/,
    );
  });

  it('shows and keeps what the text says, however it is written', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('new');
    const yaml = page.getByLabel('Study as YAML');
    const study = async () => parse(await yaml.inputValue());
    const accuracy = page.getByLabel('Highest accuracy');
    // The objectives that hold where none are written.
    await yaml.fill('name: a\nstop:\n');
    assert.ok(await accuracy.isChecked());
    await page.getByLabel('Lowest told by the coordinator alone').check();
    assert.deepEqual((await study()).objectives, [
      'maximize accuracy',
      'minimize latency.p50',
      'minimize metric.of.this.test',
    ]);
    await page.getByLabel('Trials at most').fill('seven');
    await page.getByLabel('Trials at most').blur();
    assert.deepEqual((await study()).stop, { trials: 'seven' }, 'what is no number is not the default');
    assert.equal(await page.getByLabel('Trials at most').inputValue(), 'seven');
    const exact = { metric: 'memory', operator: '<=', limit: 67108864 };
    await yaml.fill(`name: a\nobjectives: [accuracy]\nconstraints: [${JSON.stringify(exact)}]\nworkload: unheard-of\n`);
    assert.ok(await accuracy.isChecked());
    assert.equal(await page.getByRole('combobox', { name: 'Workload' }).inputValue(), '', 'none of those there are');
    await page.getByLabel('Lowest told by the coordinator alone').check();
    const constraints = page.getByLabel('Constraints');
    await constraints.fill(`${await constraints.inputValue()}\nenergy <= 1 J`);
    await constraints.blur();
    assert.deepEqual(await study(), {
      name: 'a',
      objectives: ['accuracy', 'minimize metric.of.this.test'],
      constraints: [exact, 'energy <= 1 J'],
      workload: 'unheard-of',
    });
    await yaml.fill('name: a\ndataset: {format: synthetic-images, path: *.csv}\n');
    await page.getByText('The text is no complete YAML now').waitFor();
  });

  it('asks for what a scenario needs, and shows the units of metrics', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('new');
    const scenario = async () =>
      (parse(await page.getByLabel('Study as YAML').inputValue()) as StudySpec).scenario as unknown;
    const select = page.getByRole('combobox', { name: 'Load scenario' });
    await select.selectOption('multi-stream');
    await page.getByLabel('Samples per query').fill('4');
    await page.getByLabel('Samples per query').blur();
    assert.deepEqual(await scenario(), { kind: 'multi-stream', samplesPerQuery: 4 });
    await select.selectOption('server');
    assert.deepEqual(await scenario(), { kind: 'server', arrivalsPerS: 10 });
    await page.getByRole('combobox', { name: 'Arrivals' }).selectOption('highest');
    assert.deepEqual(await scenario(), { kind: 'server', p99BoundMs: 100 });
    await page.getByLabel('p99 latency (ms)').fill('');
    await page.getByLabel('p99 latency (ms)').blur();
    assert.deepEqual(await scenario(), { kind: 'server', p99BoundMs: null }, 'the form stays as it is');
    await page.getByLabel('p99 latency (ms)').fill('2.5');
    await page.getByLabel('p99 latency (ms)').blur();
    assert.deepEqual(await scenario(), { kind: 'server', p99BoundMs: 2.5 });
    await select.selectOption('scenario-of-this-test');
    assert.deepEqual(await scenario(), { kind: 'scenario-of-this-test' });
    assert.equal(await page.getByLabel('Arrivals').count(), 0);
    await text('Metrics and units').click();
    await text('median latency; per device; lower is better; in ms, s').waitFor();
    assert.equal(await text('edgetune.time').count(), 0, 'what cannot be limited is not there');
  });

  it('says in words what it cannot read of an answer', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    await page.route('**/api/workloads', (route) => route.fulfill({ json: { ...STUDY_PARTS, samplers: 'all' } }));
    await open('new');
    await page
      .getByText(
        "this page cannot read the coordinator's answer: samplers: must be a list, not a text – load the page again",
      )
      .waitFor();
    await page.unroute('**/api/workloads');
    await page.route('**/api/workloads', (route) => route.fulfill({ body: '<html>' }));
    await page.reload();
    await page.getByText("this page cannot read the coordinator's answer: it is no JSON").waitFor();
  });

  it('lists the studies and leads to one', async () => {
    fake.studies.push(sampleStudy(['kitchen-pi'], 25));
    await open('studies');
    await text('25 of 40').waitFor();
    const changed = { ...summaryOf(fake.studies[0]!), progress: 0.9 };
    fake.push('/api/stream', { type: 'study', study: changed });
    await text('90 %').waitFor();
    await page.getByRole('link', { name: 'digits for the kitchen' }).click();
    await page.getByRole('heading', { name: '25 trials' }).waitFor();
  });

  it('names a study that cannot be read, with the reason, beside the others, and deletes it', async () => {
    fake.studies.push(sampleStudy(['kitchen-pi'], 25));
    const createdAt = '2026-01-01T00:00:00.000Z';
    fake.setAside.push({ id: 's-9', name: 'broken one', createdAt, reason: 'its event 4 is missing. Remove it' });
    await open('studies');
    const notice = page.getByRole('region', { name: 'broken one cannot be read' });
    await notice.getByText('its event 4 is missing. Remove it').waitFor();
    await text('25 of 40').waitFor();
    await notice.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await notice.waitFor({ state: 'detached' });
    assert.equal(fake.requests.at(-1), 'DELETE /api/studies/s-9');
  });

  it('sorts the trials and shows them in pages', async () => {
    fake.studies.push(sampleStudy(['kitchen-pi'], 25));
    await open('studies/s-1');
    const trials = page.getByRole('region', { name: 'Trials', exact: true });
    const cells = () => trials.locator('tbody tr td:first-child').allTextContents();
    assert.equal((await trials.locator('tbody tr').first().textContent())?.startsWith('0finished'), true);
    await trials.getByRole('button', { name: 'Trial', exact: true }).click();
    await trials.getByRole('button', { name: 'Trial', exact: false }).first().click();
    assert.deepEqual((await cells()).slice(0, 3), ['24', '23', '22']);
    await trials.getByRole('button', { name: 'Next' }).click();
    await trials.getByText('Page 2 of 2').waitFor();
    assert.deepEqual(await cells(), ['4', '3', '2', '1', '0']);
  });

  it('draws the trade-off, the learning curves and the timeline, each with its numbers', async () => {
    fake.studies.push(sampleStudy(['kitchen-pi', 'nano-sim'], 25));
    await open('studies/s-1');
    const tradeOff = page.getByRole('region', { name: 'Accuracy against cost' });
    await tradeOff.getByText('25 trials, 3 infeasible; beaten by none in these two').waitFor();
    assert.equal(await tradeOff.locator('svg.plot circle.feasible').count(), 22);
    assert.equal(await tradeOff.locator('svg.plot path.infeasible').count(), 3);
    const points = (await tradeOff.locator('polyline.front').getAttribute('points'))?.split(' ') ?? [];
    const fronts = tradeOff.getByRole('region', { name: 'Beaten by none' }).locator('tbody tr');
    assert.equal(points.length, await fronts.count());
    await page.getByLabel('Device shown below').selectOption('nano-sim');
    await tradeOff.getByText('Median latency on nano-sim', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'Learning curves' }).locator('canvas').waitFor();
    await text('8.1 s (96.4 % of measuring)').waitFor();
    assert.equal(await page.locator('.lane').count(), 4);
  });

  it('draws the hypervolume over time and the importance of parameters, live, or says why there is none', async () => {
    const study = sampleStudy(['kitchen-pi'], 25);
    fake.studies.push({ ...study, search: { hypervolume: [], importance: [] } });
    await open('studies/s-1');
    await text('No feasible trial has all objectives yet.').waitFor();
    await text('Known from ten feasible trials on that differ.').waitFor();
    fake.studies.splice(0, 1, study);
    const body = { type: 'warning', message: 'busy' };
    fake.push('/api/studies/s-1/stream', { seq: 101, studyId: 's-1', at: study.createdAt, body }, 101);
    const progress = page.getByRole('region', { name: 'Hypervolume over time' });
    await progress.locator('canvas').waitFor();
    await progress.getByText(/worst: 76 % now/).waitFor();
    const importance = page.getByRole('region', { name: 'Parameter importance' });
    for (const panel of [progress, importance]) await panel.getByText(/1 trial counts with predicted values/).waitFor();
    const rows = importance.locator('tbody tr');
    assert.deepEqual(await rows.locator('th').allTextContents(), ['learningRate', 'width', 'block']);
    const widths = await rows
      .locator('.bar')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    assert.ok((widths[0] as number) > 2 * (widths[1] as number) && (widths[1] as number) > (widths[2] as number));
  });

  it('follows a running study, and reads it at most once a second', async () => {
    const study = sampleStudy(['kitchen-pi'], 5);
    fake.studies.push(study);
    await open('studies/s-1');
    await page.getByRole('heading', { name: '5 trials' }).waitFor();
    await page.getByText('Study digits for the kitchen is running, 10 percent done').waitFor({ state: 'attached' });
    const [readsBefore, startMs] = [fake.detailReads, performance.now()];
    study.trialViews.push(sampleTrial(5, study.devices));
    for (let seq = 101; seq <= 150; seq += 1) {
      const body = { type: 'warning', message: 'busy' };
      fake.push('/api/studies/s-1/stream', { seq, studyId: 's-1', at: study.createdAt, body }, seq);
    }
    await page.getByRole('heading', { name: '6 trials' }).waitFor();
    const [reads, seconds] = [fake.detailReads - readsBefore, (performance.now() - startMs) / 1000];
    assert.ok(reads <= 2 + seconds, `${reads} reads in ${seconds} s after 50 events`);
  });

  it('recommends a model with a row per device, and gives the files out', async () => {
    const study = sampleStudy(['kitchen-pi', 'nano-sim'], 25);
    fake.studies.push({ ...study, state: 'stopped', recommendation: recommendationFor(study.devices) });
    await open('studies/s-1');
    await page.getByRole('heading', { name: '25 trials' }).waitFor();
    const rows = await page.getByRole('region', { name: 'Devices of trial 15' }).locator('tbody tr').allTextContents();
    assert.equal(rows.length, 2);
    assert.match(rows[0] ?? '', /kitchen-pi.*42governor.*4\.15 ms5\.35 ms952 \/s41 MB12\.3 mJ estimate/);
    assert.match(rows[1] ?? '', /nano-sim SIMULATED.*12\.3 mJ simulated/);
    assert.ok(await text('synthetic data').isVisible());
    assert.ok(await page.getByText(/F1 88\.4 % \(mean over the classes\) on the test split/).isVisible());
    await page.getByText('Class by class, on the test split').click();
    const classes = page.getByRole('region', { name: 'Classes of trial 15' }).locator('tbody tr');
    assert.deepEqual(await classes.allTextContents(), [
      ...['cat1693.3 %87.5 %90.3 %dog (2)', 'dog1485.7 %85.7 %85.7 %cat (1)', 'hot dog990 %100 %94.7 %–'],
    ]);
    const matrix = page.getByRole('region', { name: 'Confusion matrix of trial 15' });
    assert.deepEqual(await matrix.locator('tbody tr').allTextContents(), ['cat1420', 'dog1121', 'hot dog009']);
    const shades = await page.evaluate<string[]>(
      "[...document.querySelectorAll('table.matrix td.number')].map((cell) => getComputedStyle(cell).backgroundColor)",
    );
    assert.equal(new Set(shades).size, 6, `cells are shaded by their share of the class: ${shades.join('; ')}`);
    assert.match((await page.getByText(/In int8: accuracy/).textContent()) ?? '', /89\.4 % on the test split.*92 kB/);
    assert.ok(
      await page
        .getByText(/runs the float32 file: int8 is no better here/)
        .first()
        .isVisible(),
    );
    for (const [name, file] of [
      ['Download ONNX of trial 15', 'trial-15.onnx'],
      ['Download int8 ONNX of trial 15', 'trial-15-int8.onnx'],
      ['Export zip', 'digits-for-the-kitchen.zip'],
    ] as const) {
      const waiting = page.waitForEvent('download');
      await button(name).click();
      assert.equal((await waiting).suggestedFilename(), file);
    }
    await button('Resume').click();
    fake.push('/api/studies/s-1/stream', {}, 101);
    await button('Stop').waitFor();
    assert.equal(fake.requests.at(-1), 'POST /api/studies/s-1/resume');
  });

  it('extends a study that has ended by trials, epochs, time and devices, and says by what it was', async () => {
    const study = sampleStudy(['kitchen-pi'], 5);
    fake.devices.push(sampleDevice('kitchen-pi'), sampleDevice('shed-pi'));
    for (const view of study.deviceViews) view.deviceId = sampleDevice(view.device).id;
    fake.studies.push(study);
    await open('studies/s-1');
    await page.getByRole('heading', { name: '5 trials' }).waitFor();
    assert.equal(await button('Extend').count(), 0, 'it runs');
    const extension = { at: '2026-01-02T00:00:00.000Z', devices: [], started: 4, energyJ: null };
    const grown = { trials: { from: 4, to: 5 }, epochs: { from: 3, to: 9 }, timeS: { from: 30, to: 60 } };
    Object.assign(study, { state: 'succeeded', extensions: [{ ...extension, ...grown }] });
    study.spec.stop.timeS = 60;
    fake.push('/api/studies/s-1/stream', {}, 101);
    await text(
      'Extended on 2026-01-02 from 4 to 5 trials, and from 3 to 9 epochs at the highest rung, above the rungs of before, and from 30 s to 60 s.',
    ).waitFor();
    await button('Extend').click();
    const dialog = page.getByRole('dialog');
    assert.deepEqual(await dialog.getByRole('checkbox').count(), 1, 'its own devices are not offered');
    await dialog.getByText('It has taken 75 s.').waitFor();
    assert.equal(await dialog.getByLabel('Energy in all').count(), 0, 'it has no such limit');
    await dialog.getByLabel('Trials in all').fill('40');
    await dialog.getByLabel('Epochs of the highest rung').fill('27');
    await dialog.getByLabel('Time in all').fill('2 hours');
    await button('Extend the study').click();
    await dialog.getByText('"2 hours" is not a time').waitFor();
    await dialog.getByLabel('Time in all').fill('2 h');
    await dialog.getByLabel('shed-pi').check();
    await button('Extend the study').click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(
      fake.requests.at(-1),
      'POST /api/studies/s-1/extend {"trials":40,"epochs":27,"timeS":7200,"devices":["shed-pi"]}',
    );
  });

  it('starts a study from an earlier one', async () => {
    fake.devices.push(sampleDevice('kitchen-pi'));
    fake.studies.push(sampleStudy(['kitchen-pi'], 0));
    await open('new');
    const from = page.getByRole('combobox', { name: 'Start from' });
    const yaml = page.getByLabel('Study as YAML');
    await from.selectOption('s-1');
    assert.match(await yaml.inputValue(), /^from: s-1$/m);
    await yaml.fill(`${(await yaml.inputValue()).replace('from: s-1', 'from: another')}`);
    assert.equal(await from.inputValue(), 'another', 'what is written is shown as it is');
    await from.selectOption('');
    assert.doesNotMatch(await yaml.inputValue(), /^from:/m);
  });

  it('asks for the admin token, and keeps it for the tab', async () => {
    fake.adminToken = 'open sesame';
    fake.devices.push(sampleDevice('kitchen-pi'));
    await open('fleet');
    await page.getByLabel('Token').fill('wrong');
    await button('Use this token').click();
    await page.getByText('does not accept this token').waitFor();
    await page.getByLabel('Token').fill('open sesame');
    await button('Use this token').click();
    await text('1 device, 1 ready').waitFor();
    await page.reload();
    await text('1 device, 1 ready').waitFor();
  });

  it('fits a phone', async () => {
    const study = sampleStudy(['kitchen-pi', 'nano-sim'], 25);
    fake.devices.push(sampleDevice('kitchen-pi'), simulatedDevice('nano-sim'));
    fake.studies.push({ ...study, recommendation: recommendationFor(study.devices) });
    await page.setViewportSize({ width: 360, height: 740 });
    for (const [route, heading] of [
      ['fleet', 'kitchen-pi'],
      ['new', 'New study'],
      ['studies', 'Studies'],
      ['studies/s-1', '25 trials'],
    ] as const) {
      await open(route);
      await page.getByRole('heading', { name: heading }).waitFor();
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, route);
    }
  });
});
