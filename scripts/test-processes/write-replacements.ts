/** Sources that are replaced while they are loaded, in a process, its children and its threads; on disk nothing changes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @param folder where the texts are kept, an empty one
 * @param texts what is to be loaded, by absolute path of the source that it stands in for
 * @returns environment of the processes that shall load them
 */
export function writeReplacements(folder: string, texts: ReadonlyMap<string, string>): Record<string, string> {
  const replacements: Record<string, string> = {};
  for (const [source, text] of texts) {
    const path = join(folder, `${Object.keys(replacements).length}.txt`);
    writeFileSync(path, text);
    replacements[pathToFileURL(source).href] = path;
  }
  const list = join(folder, 'replacements.json');
  writeFileSync(list, JSON.stringify(replacements));
  const preload = new URL('./preload.js', import.meta.url).href;
  const options = [process.env.NODE_OPTIONS, `--import=${preload}`].filter((option) => option !== undefined).join(' ');
  return { EDGETUNE_REPLACED_SOURCES: list, NODE_OPTIONS: options };
}
