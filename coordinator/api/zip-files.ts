/** Files as one zip. */
import { zipSync } from 'fflate';

export function zipFiles(files: readonly { path: string; bytes: Uint8Array }[]): Uint8Array<ArrayBuffer> {
  return zipSync(Object.fromEntries(files.map(({ path, bytes }) => [path, bytes]))) as Uint8Array<ArrayBuffer>;
}
