/**
 * Reads WAV files: PCM of 8 to 32 bits, float, one channel or several, also with the extensible header
 * (http://soundfile.sapp.org/doc/WaveFormat; Microsoft, "Multiple Channel Audio Data and WAVE Files", 2007).
 */
import { DatasetError } from '../../training-service.ts';

export interface AudioClip {
  sampleRateHz: number;
  /** In [-1, 1); several channels are averaged. */
  samples: Float32Array;
}

const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];
const MOST_CHANNELS = 16;

interface Encoding {
  sampleRateHz: number;
  channels: number;
  bits: number;
  isFloat: boolean;
}

/** @param path for people @throws {DatasetError} */
export function readWav(path: string, bytes: Uint8Array): AudioClip {
  const { encoding, start, size } = chunksOf(path, bytes);
  const { channels, bits, sampleRateHz } = encoding;
  const frame = (channels * bits) / 8;
  const frames = Math.floor(size / frame);
  if (frames === 0) throw new DatasetError(`${path} has no audio: its "data" chunk is empty`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, size);
  const sample = sampleReader(view, encoding);
  const samples = new Float32Array(frames);
  for (let at = 0; at < frames; at++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += sample(at * frame + (channel * bits) / 8);
    samples[at] = sum / channels;
  }
  const wrong = samples.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new DatasetError(`${path} is damaged: its sample ${wrong + 1} is no number`);
  return { sampleRateHz, samples };
}

/** The sample rate, from the first bytes of a file. @throws {DatasetError} */
export function wavRate(path: string, head: Uint8Array): number {
  return chunksOf(path, head, true).encoding.sampleRateHz;
}

/** @param isHead only the first bytes are there: what comes after the format is not looked at */
function chunksOf(
  path: string,
  bytes: Uint8Array,
  isHead = false,
): { encoding: Encoding; start: number; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE')
    throw new DatasetError(`${path} is no WAV file: it does not start with RIFF and WAVE`);
  let encoding: Encoding | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [chunk, size, start] = [name(at), view.getUint32(at + 4, true), at + 8];
    const isThere = start + size <= bytes.length;
    if (chunk === 'fmt ' && isThere) encoding = encodingOf(path, view, start, size);
    if (isHead && encoding) return { encoding, start, size };
    // Recorders that stream leave the size of the data open.
    const isOpen =
      chunk === 'data' && (size === 0xffffffff || size === 0x7fffffff || (size === 0 && bytes.length > start));
    if (!isThere && !isOpen)
      throw new DatasetError(
        `${path} is truncated: its "${chunk}" chunk needs ${size} bytes, ${bytes.length - start} are there`,
      );
    if (chunk === 'data') {
      if (!encoding) throw new DatasetError(`${path} is damaged: its data come before their format`);
      return { encoding, start, size: isOpen ? bytes.length - start : size };
    }
    // Chunks start at even bytes.
    at = start + size + (size % 2);
  }
  throw new DatasetError(`${path} has no audio: it ends before a "data" chunk`);
}

function encodingOf(path: string, view: DataView, start: number, size: number): Encoding {
  if (size < 16) throw new DatasetError(`${path} is damaged: its format chunk has ${size} bytes instead of 16`);
  const [code, channels, bits] = [0, 2, 14].map((offset) => view.getUint16(start + offset, true)) as [
    number,
    number,
    number,
  ];
  const sampleRateHz = view.getUint32(start + 4, true);
  // The first two bytes of its sub-format are what the code would be without the extension.
  const format = code === EXTENSIBLE && size >= 40 ? view.getUint16(start + 24, true) : code;
  const isKnown =
    (format === PCM && [8, 16, 24, 32].includes(bits)) || (format === FLOAT && (bits === 32 || bits === 64));
  if (!isKnown || channels < 1 || channels > MOST_CHANNELS)
    throw new DatasetError(
      `${path} has encoding ${format}, ${channels} channels, ${bits} bits: expected PCM (1) of 8, 16, 24 or 32 bits or float (3) of 32 or 64; convert it first`,
    );
  if (sampleRateHz < 4000 || sampleRateHz > 192_000)
    throw new DatasetError(`${path} has a sample rate of ${sampleRateHz} Hz: expected 4,000 to 192,000`);
  return { sampleRateHz, channels, bits, isFloat: format === FLOAT };
}

function sampleReader(view: DataView, { bits, isFloat }: Encoding): (at: number) => number {
  if (isFloat) return bits === 32 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  // Bytes are without a sign (as the format has it); all others have one.
  if (bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (bits === 16) return (at) => view.getInt16(at, true) / 2 ** 15;
  if (bits === 24) return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23;
  return (at) => view.getInt32(at, true) / 2 ** 31;
}
