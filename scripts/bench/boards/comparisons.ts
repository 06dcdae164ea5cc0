/** What each board profile is compared with, and the error that comes out: the figure that its file publishes. */
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { CORTEX_A76_COEFFICIENTS, scaledCoefficients } from '@edgetune/shared/costmodel/profiles/arm-cpu.ts';
import { raspberryPi5Start } from '@edgetune/shared/costmodel/profiles/raspberry-pi-5.ts';
import { TERMS } from '@edgetune/shared/costmodel/terms.ts';
import { mlperfRows, nanoRows, yoloRows, type ZooRow } from './zoo-rows.ts';

export interface Predicted {
  row: ZooRow;
  latencyMs: number;
}

/** The family of a network: a fit that has seen one member of a family knows the others too well. */
export function familyOf(network: string): string {
  if (network.startsWith('yolo')) return network.slice(0, 5);
  if (/^(wide_)?resne/.test(network)) return 'resnet';
  return /^[a-z]+(-v\d|v\d)?/.exec(network)?.[0] ?? network;
}

const latencyOf = (profile: BoardProfile, { analysis, config }: ZooRow) => predict(profile, analysis, config).latencyMs;

/** Predictions of a profile that was fitted to no row of this board under this runtime. */
function unfitted(profile: BoardProfile, rows: readonly ZooRow[]): Predicted[] {
  return rows.map((row) => ({ row, latencyMs: latencyOf(profile, row) }));
}

/** Each family predicted by the base fitted to the other families. */
export function byFamily(base: BoardProfile, rows: readonly ZooRow[]): Predicted[] {
  const families = [...new Set(rows.map(({ network }) => familyOf(network)))];
  return families.flatMap((family) => {
    const isHeldOut = ({ network }: ZooRow) => familyOf(network) === family;
    const { profile } = fitProfile(
      base,
      rows.filter((row) => !isHeldOut(row)),
    );
    return unfitted(profile, rows.filter(isHeldOut));
  });
}

/** What a profile published was found with its rows: of a base without them it is not known. */
const NOT_COMPARED = { ...raspberryPi5Start.error };

/** The profile with its CPU as a Cortex-A76 that is `slower` times as slow: what is known of it without its rows. */
function scaledBase(name: string, slower: number, memorySlower = slower): BoardProfile {
  const profile = boardProfileNamed(name);
  const [cpu, ...rest] = profile.backends;
  if (!cpu) throw new RangeError(`${name} has no backend`);
  return {
    ...profile,
    error: NOT_COMPARED,
    backends: [{ ...cpu, coefficients: scaledCoefficients(CORTEX_A76_COEFFICIENTS, slower, memorySlower) }, ...rest],
  };
}

/** Vector multipliers and clocks of the data sheets against a Cortex-A76 at 2.4 GHz. */
const NANO_SLOWER = 3.34;
const PI_4_SLOWER = 2.67;
const PI_4_MEMORY_SLOWER = 3;
/** ResNet-50 on one thread in ncnn against a Raspberry Pi 5 (both compute in float16). */
const XAVIER_SLOWER = 1.91;

export interface Comparison {
  profile: string;
  what: string;
  how: string;
  /** Which of the profile's backends. */
  executionProvider: 'cpu' | 'cuda';
  rows: () => ZooRow[];
  predict: (rows: readonly ZooRow[]) => Predicted[];
}

const heldOut = 'each family of networks predicted from the others';
export const nanoBase = () => scaledBase('jetson-nano', NANO_SLOWER);
const pi4Base = () => scaledBase('raspberry-pi-4', PI_4_SLOWER, PI_4_MEMORY_SLOWER);
/** The GPU before its fit: launches as NVIDIA's forum has them, 236 GFLOP/s at a third of its peak, 25.6 GB/s. */
export function nanoGpuBase(): BoardProfile {
  const profile = boardProfileNamed('jetson-nano');
  const coefficients = Object.fromEntries(
    TERMS.filter((term) => !['sync', 'bytes.spill'].includes(term)).map((term) => [
      term,
      term.startsWith('bytes.') ? 60 : term.startsWith('work.') ? 25 : 10,
    ]),
  );
  return {
    ...profile,
    backends: profile.backends.map((each) =>
      each.executionProvider === 'cuda' ? { ...each, coefficients, error: NOT_COMPARED } : each,
    ),
  };
}
export const xavierBase = () => scaledBase('jetson-agx-xavier', XAVIER_SLOWER);

export const COMPARISONS: readonly Comparison[] = [
  {
    profile: 'raspberry-pi-5',
    what: 'YOLOv5 and YOLOv8, 160 to 480 pixels, ONNX Runtime, 4 threads',
    how: 'as shipped, fitted to other networks on one thread',
    executionProvider: 'cpu',
    rows: () => yoloRows('pi5_ort_latency'),
    predict: (rows) => unfitted(boardProfileNamed('raspberry-pi-5'), rows),
  },
  {
    profile: 'raspberry-pi-4',
    what: 'YOLOv5 and YOLOv8, 160 to 480 pixels, ONNX Runtime, 4 threads',
    how: 'as shipped, fitted to no row of this board',
    executionProvider: 'cpu',
    rows: () => yoloRows('pi4_ort_latency'),
    predict: (rows) => unfitted(boardProfileNamed('raspberry-pi-4'), rows),
  },
  {
    profile: 'jetson-nano',
    what: 'image classifiers, 224 to 384 pixels, ONNX Runtime, 4 threads',
    how: heldOut,
    executionProvider: 'cpu',
    rows: () => nanoRows('cpu'),
    predict: (rows) => byFamily(nanoBase(), rows),
  },
  {
    profile: 'jetson-nano',
    what: 'image classifiers, 224 to 384 pixels, ONNX Runtime, GPU',
    how: heldOut,
    executionProvider: 'cuda',
    rows: () => nanoRows('gpu'),
    predict: (rows) => byFamily(nanoGpuBase(), rows),
  },
  {
    profile: 'jetson-agx-xavier',
    what: 'MobileNet v1 and v2, EfficientNet-Lite, ResNet-50, 96 to 300 pixels, TensorFlow Lite, all cores',
    how: heldOut,
    executionProvider: 'cpu',
    rows: () => mlperfRows('xavier-power.0-fan.cool-tflite-v2.5.0-ruy', 8),
    predict: (rows) => byFamily(xavierBase(), rows),
  },
];

/** Mean absolute percentage error, as a fraction. */
export function mapeOf(predicted: readonly Predicted[]): number {
  const errors = predicted.map(({ row, latencyMs }) => Math.abs(latencyMs / row.latencyMs - 1));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

/** Boards whose published error is an estimate: how far two of their siblings are from what data sheets and ncnn tell. */
export const ESTIMATED_PROFILES = [
  'raspberry-pi-3b-plus',
  'raspberry-pi-zero-2w',
  'jetson-xavier-nx',
  'jetson-orin-nano',
];

/** The error of scaling a Cortex-A76 to another core, on the two such boards of which there are measurements. */
export function transferError(): { profile: string; mape: number }[] {
  return [
    { profile: 'raspberry-pi-4', mape: mapeOf(unfitted(pi4Base(), yoloRows('pi4_ort_latency'))) },
    { profile: 'jetson-nano', mape: mapeOf(unfitted(nanoBase(), nanoRows('cpu'))) },
  ];
}
