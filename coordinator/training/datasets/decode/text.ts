/** Bytes of a text file as text, in the encoding that they are in: said where that is not UTF-8, refused where it is not known. */
import { DatasetError } from '../../training-service.ts';
import type { Notices } from '../notices.ts';
import { type Limits, sizeText } from '../source/limits.ts';

/** Of a text in a Latin script, accented letters are fewer. */
const MOST_ACCENTED = 0.3;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u0080-\u009f]/;

/**
 * @param path for people
 * @param encoding as the Encoding Standard names it (https://encoding.spec.whatwg.org); absent: found out
 * @throws {DatasetError}
 */
export function decodeText(
  path: string,
  bytes: Uint8Array,
  { encoding, notices, limits }: { encoding?: string | undefined; notices: Notices; limits: Pick<Limits, 'textBytes'> },
): string {
  if (bytes.length > limits.textBytes)
    throw new DatasetError(
      `${path} has ${sizeText(bytes.length)} of text, at most ${sizeText(limits.textBytes)} can be read: cut it into several files or save it as NPZ`,
    );
  if (encoding !== undefined) return decodedAs(path, bytes, encoding);
  const marked =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
  if (marked) return decodedAs(path, bytes, marked);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) throw new DatasetError(`${path} is no text: it holds zero bytes`);
    return text;
  } catch (error) {
    if (error instanceof DatasetError) throw error;
  }
  const text = new TextDecoder('windows-1252').decode(bytes);
  const [accented, letters] = [/[\u00c0-\u00ff]/g, /\p{L}/gu].map((pattern) => text.match(pattern)?.length ?? 0);
  if (CONTROLS.test(text) || (accented as number) > MOST_ACCENTED * (letters as number))
    throw new DatasetError(
      `${path} is neither UTF-8 nor Latin-1: say its encoding ("encoding: shift_jis"), or save it as UTF-8`,
    );
  const example = text.match(/[^\s"',;]*[\u0080-\uffff][^\s"',;]*/)?.[0];
  notices.warn(`${path} is no UTF-8: it is read as Windows-1252 (Latin-1)${example ? `, such as "${example}"` : ''}`);
  return text;
}

function decodedAs(path: string, bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    const isUnknown = error instanceof RangeError;
    throw new DatasetError(
      isUnknown
        ? `unknown encoding "${encoding}": use a name of the Encoding Standard, such as utf-8, windows-1252, iso-8859-15, shift_jis, gbk`
        : `${path} is not in the encoding ${encoding}`,
    );
  }
}

export const encodingSetting =
  'of the text, as browsers name it (windows-1252, shift_jis, …); otherwise UTF-8 where it is, or found out and said';
