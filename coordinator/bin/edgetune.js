#!/usr/bin/env node
// A committed shim, because npm links no bin whose target is missing at install. In a checkout it runs the sources.
import { existsSync } from 'node:fs';

const source = new URL('../cli/main.ts', import.meta.url);
if (existsSync(source)) {
  (await import('tsx/esm/api')).register();
  await import(source.href);
} else {
  await import(new URL('../dist/main.js', import.meta.url).href);
}
