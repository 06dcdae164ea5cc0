// Given to Node by `--import` in NODE_OPTIONS, so that child processes and threads have it too: replaces sources when
// they are loaded, as the file named in EDGETUNE_REPLACED_SOURCES says. Nothing is written where the sources are.
import { readFileSync } from 'node:fs';
import * as module from 'node:module';
import { initialize, load } from './load-hook.js';

const replacements = JSON.parse(readFileSync(process.env.EDGETUNE_REPLACED_SOURCES, 'utf8'));
if (module.registerHooks) {
  // From Node 22.15 on tsx registers itself so too, and what is registered first is asked last: before the disk, after tsx.
  initialize(replacements);
  module.registerHooks({ load });
} else {
  module.register('./load-hook.js', import.meta.url, { data: replacements });
}
