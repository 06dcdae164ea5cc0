/** The agent's version, as its package.json names it. */
import { readFileSync } from 'node:fs';
import { packageFolder } from '@edgetune/shared/runtime/child-module.ts';

const manifest = readFileSync(new URL('package.json', packageFolder(import.meta.url, './')), 'utf8');
export const AGENT_VERSION = (JSON.parse(manifest) as { version: string }).version;
