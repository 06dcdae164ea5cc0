/** Names of classes in a file beside the data, one a line, in the order of the labels. */
import type { ClassNames } from '../data-kinds.ts';
import { decodeText } from '../decode/text.ts';
import type { Notices } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';

/** From the first of these files that is there; undefined: there is none. */
export async function namesFrom(
  source: DataSource,
  files: readonly string[],
  notices: Notices,
  first?: 0 | 1,
): Promise<ClassNames | undefined> {
  if (source.isFile) return undefined;
  for (const file of files) {
    if (!source.has(file)) continue;
    const text = decodeText(source.called(file), await source.read(file, 'names of classes'), {
      notices,
      limits: source.limits,
    });
    const names = text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter(Boolean);
    if (names.length > 0) return { file: source.called(file), names, ...(first === undefined ? {} : { first }) };
  }
  return undefined;
}
