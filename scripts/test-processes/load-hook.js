// A module hook: where a source of this repository is to be replaced, its text is read from another file. What comes
// after it in the chain of hooks (tsx) compiles that text as it would have compiled the source itself.
import { readFileSync } from 'node:fs';

/** @type {Record<string, string>} path of the text, by `file:` URL of the module */
let replacements = {};

export function initialize(data) {
  replacements = data;
}

export function load(url, context, nextLoad) {
  const path = replacements[url.split('?')[0]];
  if (path === undefined) return nextLoad(url, context);
  return { format: 'module', source: readFileSync(path, 'utf8'), shortCircuit: true };
}
