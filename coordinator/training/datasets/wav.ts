/** Reads WAV files of 16-bit PCM, mono: what Speech Commands and its kin hold (http://soundfile.sapp.org/doc/WaveFormat). */
import { DatasetError } from '../training-service.ts';
import { readDatasetFile } from './read-file.ts';

export interface AudioClip {
  sampleRateHz: number;
  /** In [-1, 1). */
  samples: Float32Array;
}

const PCM = 1;

/** @throws {DatasetError} */
export function readWav(path: string): AudioClip {
  const bytes = readDatasetFile(path, 'a WAV file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE')
    throw new DatasetError(`${path} is no WAV file: it does not start with RIFF and WAVE`);
  let sampleRateHz: number | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [chunk, size, start] = [name(at), view.getUint32(at + 4, true), at + 8];
    if (start + size > bytes.length)
      throw new DatasetError(
        `${path} is truncated: its "${chunk}" chunk needs ${size} bytes, ${bytes.length - start} are there`,
      );
    if (chunk === 'fmt ') sampleRateHz = sampleRateOf(path, view, start, size);
    if (chunk === 'data') {
      if (sampleRateHz === null) throw new DatasetError(`${path} is damaged: its data come before their format`);
      return { sampleRateHz, samples: samplesOf(view, start, size) };
    }
    // Chunks start at even bytes.
    at = start + size + (size % 2);
  }
  throw new DatasetError(`${path} has no audio: it ends before a "data" chunk`);
}

function sampleRateOf(path: string, view: DataView, start: number, size: number): number {
  if (size < 16) throw new DatasetError(`${path} is damaged: its format chunk has ${size} bytes instead of 16`);
  const [encoding, channels, bits] = [0, 2, 14].map((offset) => view.getUint16(start + offset, true));
  const sampleRateHz = view.getUint32(start + 4, true);
  if (encoding !== PCM || channels !== 1 || bits !== 16)
    throw new DatasetError(
      `${path} has encoding ${encoding}, ${channels} channels, ${bits} bits: expected PCM (1), 1 channel, 16 bits; convert it first`,
    );
  if (sampleRateHz < 4000 || sampleRateHz > 192_000)
    throw new DatasetError(`${path} has a sample rate of ${sampleRateHz} Hz: expected 4,000 to 192,000`);
  return sampleRateHz;
}

function samplesOf(view: DataView, start: number, size: number): Float32Array {
  return Float32Array.from({ length: Math.floor(size / 2) }, (_, i) => view.getInt16(start + 2 * i, true) / 32_768);
}
