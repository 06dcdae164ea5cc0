/** What the reading of a data set may cost. What is larger is refused before it fills memory or time. */
import { totalmem } from 'node:os';

export interface Limits {
  /** Regular files in a folder or an archive. */
  files: number;
  /** Of one file on disk, and of what one packed file or an archive holds. */
  fileBytes: number;
  /** Of a text: JavaScript's longest string has 2^29 - 24 characters (V8, `String::kMaxLength`). */
  textBytes: number;
  /** Of one image, before it is resized: what a phone takes has 12 to 108 million. */
  imagePixels: number;
  /** Of all samples as they are kept for training. */
  sampleBytes: number;
  /** Resident memory of the process that reads. */
  memoryBytes: number;
  /** For which that process may work, pauses for measuring left out. */
  seconds: number;
}

export const LIMITS: Limits = {
  files: 300_000,
  fileBytes: 2 ** 30,
  textBytes: 500e6,
  imagePixels: 120e6,
  sampleBytes: 1.5e9,
  memoryBytes: Math.min(8e9, 0.6 * totalmem()),
  seconds: 900,
};

/** Such as "1.1 GB". */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
