/** Makes the pictures of the README from a running coordinator: `node scripts/run.js scripts/screenshots.ts http://localhost:8080`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { createClient } from '../coordinator/cli/client.ts';

const server = process.argv[2] ?? 'http://localhost:8080';
const folder = join(import.meta.dirname, '..', 'docs', 'images');
const client = createClient({ server });
const [
  {
    studies: [study],
  },
  [bench],
] = [await client.studies(), await client.benches()];
if (!study && !bench) throw new Error(`${server} has no study or bench to show: run the demo first`);
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1500 } });
const pages: [name: string, hash: string, ready: string][] = [
  ...(study ? [['dashboard-study', `#/studies/${study.id}`, 'Recommendation'] satisfies [string, string, string]] : []),
  ...(bench ? [['dashboard-bench', `#/bench/${bench.id}`, 'Recommended'] satisfies [string, string, string]] : []),
  ['dashboard-fleet', '#/fleet', 'Add device'],
];
for (const [name, hash, ready] of pages) {
  await page.goto(`${server}/${hash}`);
  await page.getByText(ready).first().waitFor();
  await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: name === 'dashboard-fleet' });
}
await browser.close();
