/** The browser that the dashboard is tested in; where there is none the tests skip aloud. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const noChromium =
  executablePath === undefined ? 'no Chromium on this machine: the dashboard is not tested' : false;

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser takes its time where much else runs. */
const LONGEST_WAIT_MS = 60_000;

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath as string, args: ARGUMENTS, timeout: LONGEST_WAIT_MS });
}

/** A page on which every wait has a deadline; Playwright says what it waited for. */
export async function openPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  return page;
}
