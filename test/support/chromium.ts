/** The browser that the dashboard is tested in; where there is none the tests skip aloud. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

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

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath as string, args: ARGUMENTS, timeout: 120_000 });
}
