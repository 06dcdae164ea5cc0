/** The bench in a browser: a real coordinator, real agent processes on simulated boards, the built page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { BenchView } from '@edgetune/shared/protocol/bench.ts';
import { buildDashboard } from '../../coordinator/dashboard/build.ts';
import { convModel } from '../coordinator/inference/support/conv-model.ts';
import { launchChromium, noChromium, openPage } from '../support/chromium.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tokensModel } from '../support/tokens-model.ts';
import { coordinatorIn, joinAgents } from './support/system.ts';

const ROOT = join(import.meta.dirname, '../..');
const file = (name: string, bytes: Uint8Array) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
});

it('benches an uploaded model on two boards, in the browser', { skip: noChromium }, async (t) => {
  await buildDashboard(join(ROOT, 'coordinator/dist/dashboard'));
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder);
  const agents = { 'kitchen-pi': ['--simulate', 'raspberry-pi-5'], nano: ['--simulate', 'jetson-nano'] };
  await joinAgents(t, coordinator, folder, agents);
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await openPage(browser);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  const screenshot = async (name: string) => {
    const pictures = process.env.EDGETUNE_PICTURES;
    if (pictures === undefined) return;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
    }
  };

  await page.goto(`${coordinator.url}/#/bench`);
  await page.getByText('No bench yet.').waitFor();
  const input = page.getByLabel('Model');
  await input.setInputFiles(file('broken.onnx', convModel().subarray(0, 100)));
  await page.getByText(/broken\.onnx is refused: .*truncated|broken\.onnx is refused: .*ends/).waitFor();
  await screenshot('bench-refused');
  await input.setInputFiles(file('tokens.onnx', tokensModel()));
  await page.getByLabel('Size of “tokens”').waitFor();

  // Dropped, not chosen.
  const transfer = await page.evaluateHandle(
    `(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array([${[...convModel({ layers: 3, channels: 16, size: 32 })].join()}])], 'three.onnx'));
      return transfer;
    })()`,
  );
  await page.dispatchEvent('label.drop', 'drop', { dataTransfer: transfer });
  await page.getByText('any batch size').waitFor();
  assert.equal(await page.getByLabel('Size of “tokens”').count(), 0);
  await page.getByRole('checkbox', { name: /kitchen-pi/ }).check();
  await page.getByRole('checkbox', { name: /nano/ }).check();
  await page.getByLabel('Highest throughput').check();
  await page.getByLabel('Constraints').fill('latency.p99 <= 30 parsecs');
  await page.getByRole('button', { name: 'Start bench' }).click();
  await page.getByText(/"30 parsecs" is not a time/).waitFor();
  await page.getByLabel('Constraints').fill('latency.p99 <= 30 ms');
  await screenshot('bench-form');
  await page.getByRole('button', { name: 'Start bench' }).click();

  await page.getByRole('heading', { name: 'three.onnx finished' }).waitFor();
  const recommended = page.getByRole('region', { name: 'Recommended configs' }).locator('tbody tr');
  assert.equal(await recommended.count(), 2);
  const pi = page.getByRole('region', { name: 'Bench on kitchen-pi', exact: true });
  await pi
    .getByText(
      /SIMULATED computed from profile raspberry-pi-5; latency error against the real board: [\d.]+ % on average/,
    )
    .waitFor();
  assert.equal(await pi.locator('svg.plot .best').count(), 1);
  const rows = await pi.getByRole('region', { name: 'Measured on kitchen-pi' }).locator('tbody tr').count();
  assert.ok(rows >= 4, `${rows} configs`);
  assert.equal(await pi.locator('svg.plot .point').count(), rows);
  await screenshot('bench-result');

  const reports = new Map<string, string>();
  for (const [name, extension] of [
    ['Markdown', 'md'],
    ['CSV', 'csv'],
    ['JSON', 'json'],
  ] as const) {
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), `three-bench.${extension}`);
    reports.set(name, readFileSync(await download.path(), 'utf8'));
  }
  assert.match(reports.get('Markdown') ?? '', /kitchen-pi\*\*: SIMULATED, computed from profile raspberry-pi-5/);
  assert.equal((reports.get('CSV') ?? '').match(/,yes\r\n/g)?.length, 2);
  const view = JSON.parse(reports.get('JSON') ?? '') as BenchView;
  assert.equal(view.devices.length, 2);

  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Bench' }).click();
  await page.getByRole('link', { name: 'three.onnx' }).waitFor();
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  await page.getByRole('link', { name: 'three.onnx' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No bench yet.').waitFor();
  assert.deepEqual(complaints, []);
});
