/** Makes the pictures of the README from a running coordinator: `node scripts/run.js scripts/screenshots.ts http://localhost:8080`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { createClient } from '../coordinator/cli/client.ts';

const server = process.argv[2] ?? 'http://localhost:8080';
const folder = join(import.meta.dirname, '..', 'docs', 'images');
const [study] = await createClient({ server }).studies();
if (!study) throw new Error(`${server} has no study to show: run the demo first`);
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1500 } });
for (const [name, hash, ready] of [
  ['dashboard-study', `#/studies/${study.id}`, 'Recommendation'],
  ['dashboard-fleet', '#/fleet', 'Add device'],
] as const) {
  await page.goto(`${server}/${hash}`);
  await page.getByText(ready).first().waitFor();
  await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: name === 'dashboard-fleet' });
}
await browser.close();
