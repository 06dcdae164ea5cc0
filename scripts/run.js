// Runs a TypeScript script of this repository: `node scripts/run.js scripts/demo.ts [ARGUMENTS]`.
// tsx, because Node 20 does not read TypeScript by itself.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const [script, ...rest] = process.argv.slice(2);
process.argv = [process.argv[0], resolve(script), ...rest];
await import(pathToFileURL(resolve(script)).href);
