/**
 * `npm run bench:boards`: how true simulated boards are. Profiles are fitted to ten architectures that are chosen by
 * design (from their graphs alone) and tested on all others; the base of a fit has seen no row of the board and runtime.
 */

import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { intervalOf, predict } from '@edgetune/shared/costmodel/predict.ts';
import { raspberryPi5Start } from '@edgetune/shared/costmodel/profiles/raspberry-pi-5.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { agreementOf } from './boards/agreement.ts';
import { COMPARISONS, ESTIMATED_PROFILES, mapeOf, transferError } from './boards/comparisons.ts';
import { type HeldOutSummary, heldOutCases, heldOutSets, ROW_COUNTS, summaryOf } from './boards/held-out.ts';
import { ONE_THREAD, onnxModel, raspberryPi4Rows, raspberryPi5Rows, xavierPowerModes } from './boards/measured-rows.ts';
import { leaveOneOut, predictedSpeedUp, speedUps } from './boards/thread-scaling.ts';
import { mlperfRows, ncnnRows, yoloRows, type ZooRow } from './boards/zoo-rows.ts';
import { type BenchRow, report } from './support.ts';

const CALIBRATION_SIZE = 10;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function agreementRow(
  what: string,
  predicted: number[],
  measured: number[],
  bar: string,
  isMet: (row: ReturnType<typeof agreementOf>) => boolean,
): BenchRow {
  const agreement = agreementOf(predicted, measured);
  return {
    what,
    tested: agreement.count,
    MAPE: percent(agreement.mape),
    'within ±10 %': percent(agreement.withinTenPercent),
    Spearman: agreement.spearman,
    Kendall: agreement.kendall,
    bar,
    met: bar === 'none' ? '–' : isMet(agreement) ? 'yes' : 'NO',
  };
}

function splitByDesign<Row extends FitRow>(base: BoardProfile, rows: readonly Row[]): { fit: Row[]; test: Row[] } {
  const analyses = rows.map((row) => row.analysis);
  const chosen = new Set(chooseCalibrationSet(base, analyses, rows[0]?.config ?? ONE_THREAD, CALIBRATION_SIZE));
  return {
    fit: rows.filter((_, index) => chosen.has(index)),
    test: rows.filter((_, index) => !chosen.has(index)),
  };
}

/** Every second architecture, in the file's order (which is that of the benchmark's indices, not of the cost). */
function halves(rows: readonly FitRow[]): { fit: FitRow[]; test: FitRow[] } {
  return { fit: rows.filter((_, index) => index % 2 === 0), test: rows.filter((_, index) => index % 2 === 1) };
}

const latencies = (profile: BoardProfile, rows: readonly FitRow[]) =>
  rows.map((row) => predict(profile, row.analysis, row.config).latencyMs);
const measuredLatencies = (rows: readonly FitRow[]) => rows.map((row) => row.latencyMs as number);

function raspberryPi5(): BenchRow[] {
  const rows = raspberryPi5Rows();
  const { fit, test } = splitByDesign(raspberryPi5Start, rows);
  const { profile } = fitProfile(raspberryPi5Start, fit);
  const energies = test.map((row) => predict(profile, row.analysis, row.config).netEnergyJ);
  return [
    agreementRow(
      'Pi 5, ONNX Runtime, latency, base unfitted',
      latencies(raspberryPi5Start, test),
      measuredLatencies(test),
      'none',
      () => true,
    ),
    agreementRow(
      `Pi 5, ONNX Runtime, latency, ${CALIBRATION_SIZE} architectures`,
      latencies(profile, test),
      measuredLatencies(test),
      '≥ 95 %, Spearman ≥ 0.97',
      (row) => row.withinTenPercent >= 0.95 && row.spearman >= 0.97,
    ),
    agreementRow(
      `Pi 5, ONNX Runtime, energy, ${CALIBRATION_SIZE} architectures`,
      energies,
      test.map((row) => row.netEnergyJ as number),
      '≥ 92 %',
      (row) => row.withinTenPercent >= 0.92,
    ),
  ];
}

function raspberryPi4(): BenchRow[] {
  const rows = raspberryPi4Rows();
  const base = boardProfileNamed('raspberry-pi-4');
  const fitted = ({ fit, test }: { fit: FitRow[]; test: FitRow[] }, what: string, bar: number) => {
    const { profile } = fitProfile(base, fit);
    return agreementRow(
      `Pi 4, TensorFlow Lite, latency, ${what}`,
      latencies(profile, test),
      measuredLatencies(test),
      `≥ ${bar * 100} %`,
      (row) => row.withinTenPercent >= bar,
    );
  };
  return [
    fitted(splitByDesign(base, rows), `${CALIBRATION_SIZE} architectures`, 0.65),
    fitted(halves(rows), 'half of them', 0.75),
  ];
}

/**
 * Fitted to ten networks at one input size, or with their measurements spread over two, tested on all other sizes (of
 * these and of the other networks).
 */
function otherShapes(): BenchRow[] {
  const cases: { what: string; base: BoardProfile; rows: ZooRow[]; fitSizes: number[]; bar: string }[] = [];
  for (const family of ['yolo5', 'yolo8'])
    for (const [name, base, column] of [
      ['Pi 5', raspberryPi5Start, 'pi5_ort_latency'],
      ['Pi 4', boardProfileNamed('raspberry-pi-4'), 'pi4_ort_latency'],
    ] as const) {
      const rows = yoloRows(column).filter(({ network }) => network.startsWith(family));
      for (const fitSizes of [[320], [192, 448]])
        cases.push({ what: `${name}, ONNX Runtime, ${family}`, base, rows, fitSizes, bar: '≥ 85 %' });
    }
  for (const fitSizes of [[224], [128, 224]])
    cases.push({
      what: 'Pi 4, TensorFlow Lite, MobileNet v1 and v2',
      base: boardProfileNamed('raspberry-pi-4'),
      rows: mlperfRows('rpi4-tflite-v2.7.1-ruy', 4).filter(({ network }) => network.startsWith('mobilenet')),
      fitSizes,
      bar: '≥ 85 %',
    });
  return cases.map(({ what, base, rows, fitSizes, bar }) => {
    const { fit } = splitByDesign(
      base,
      rows.filter(({ imageSize }) => fitSizes.includes(imageSize)),
    );
    const { profile } = fitProfile(base, fit);
    const test = rows.filter(({ imageSize }) => !fitSizes.includes(imageSize));
    const sizes = test.map(({ imageSize }) => imageSize);
    return agreementRow(
      `${what}: fitted at ${fitSizes.join(' and ')}, tested from ${Math.min(...sizes)} to ${Math.max(...sizes)}`,
      latencies(profile, test),
      measuredLatencies(test),
      bar,
      (row) => row.withinTenPercent >= 0.85,
    );
  });
}

/** What each profile publishes as its error, and what the comparison finds; how many rows its 95 % intervals hold. */
function publishedErrors(): BenchRow[] {
  const compared = COMPARISONS.map((comparison): BenchRow => {
    const profile = boardProfileNamed(comparison.profile);
    const backend = profile.backends.find((each) => each.executionProvider === comparison.executionProvider);
    const predicted = comparison.predict(comparison.rows());
    const published = (backend?.error ?? profile.error).latencyMape;
    const within = predicted.filter(({ row, latencyMs }) => {
      const [low, high] = intervalOf(latencyMs, published) ?? [0, Number.POSITIVE_INFINITY];
      return row.latencyMs >= low && row.latencyMs <= high;
    });
    return {
      profile: comparison.profile,
      'compared with': comparison.what,
      how: comparison.how,
      rows: predicted.length,
      MAPE: percent(mapeOf(predicted)),
      published: published === null ? 'nothing' : percent(published),
      'in the 95 % intervals': percent(within.length / predicted.length),
    };
  });
  const transfer = transferError();
  const mean = transfer.reduce((sum, { mape }) => sum + mape, 0) / transfer.length;
  const estimated = [...ESTIMATED_PROFILES, 'x86-mini-pc'].map(
    (name): BenchRow => ({
      profile: name,
      'compared with': `nothing; ESTIMATE from ${transfer.map(({ profile, mape }) => `${profile} ${percent(mape)}`).join(', ')}`,
      how: 'siblings predicted from a Cortex-A76 by data sheets, no row of theirs used',
      rows: 0,
      MAPE: percent(mean),
      published: percent(boardProfileNamed(name).error.latencyMape ?? Number.NaN),
      'in the 95 % intervals': '–',
    }),
  );
  return [...compared, ...estimated];
}

/** Boards of ncnn's table, by the start of their names there. */
const NCNN_DEVICES: readonly [profile: string, device: string][] = [
  ['raspberry-pi-3b-plus', 'Raspberry Pi 3 Model B+'],
  ['raspberry-pi-4', 'Raspberry Pi 4 Model B'],
  ['raspberry-pi-5', 'Raspberry Pi 5 Broadcom BCM2712, Cortex'],
  ['raspberry-pi-zero-2w', 'Raspberry Pi Zero 2 W'],
  ['jetson-nano', 'NVIDIA Jetson Nano'],
  ['jetson-orin-nano', 'NVIDIA Jetson Orin Nano'],
  ['jetson-agx-xavier', 'NVIDIA Jetson AGX Xavier'],
];
/** Networks whose kernels are the same in ncnn and ONNX Runtime: depthwise and small grouped convolutions are not. */
const SCALED_NETWORKS = ['squeezenet', 'resnet18', 'resnet50', 'vgg16', 'alexnet', 'mobilenet-v1-1.0'];

function threadScaling(): BenchRow[] {
  return NCNN_DEVICES.flatMap(([name, device]) => {
    const profile = boardProfileNamed(name);
    const rows = speedUps(ncnnRows(device)).filter(({ network }) => SCALED_NETWORKS.includes(network));
    return leaveOneOut(profile, rows, ['squeezenet', 'resnet50']).map((row) => {
      const shipped = predictedSpeedUp(profile, row);
      const errors = [shipped, row.predicted].map((value) => value / row.measured - 1) as [number, number];
      return {
        profile: name,
        model: row.network,
        threads: row.threads,
        'speed-up measured': row.measured,
        'as shipped': shipped,
        error: percent(errors[0]),
        met: Math.abs(errors[0]) <= 0.15 ? 'yes' : 'NO',
        'from the other networks': row.predicted,
        'its error': percent(errors[1]),
      };
    });
  });
}

/** The modes as shipped; and their slow-down and watts as ArmNN shows them, against what TensorFlow Lite measured. */
function powerModes(): BenchRow[] {
  const profile = boardProfileNamed('jetson-agx-xavier');
  const analysis = analyseModel(onnxModel('light-resnet50.onnx'), { batchSize: 1 });
  const other = new Map(xavierPowerModes('armnn').map((row) => [row.powerMode, row]));
  const measured = xavierPowerModes('tflite');
  const maxn = measured.find(({ powerMode }) => powerMode === 'MAXN');
  return measured.map(({ powerMode, latencyMs, powerW }) => {
    const threads = profile.powerModes.find((mode) => mode.name === powerMode)?.cores ?? 1;
    const predicted = predict(profile, analysis, { ...ONE_THREAD, threads }, { powerMode });
    const errors = [predicted.latencyMs / latencyMs - 1, predicted.powerW / powerW - 1];
    const [there, atMaxn] = [other.get(powerMode), other.get('MAXN')];
    const transferred = there && atMaxn && maxn ? (maxn.latencyMs * there.latencyMs) / atMaxn.latencyMs : Number.NaN;
    return {
      'power mode': powerMode,
      'measured ms': latencyMs,
      'predicted ms': predicted.latencyMs,
      'measured W': powerW,
      'predicted W': predicted.powerW,
      met: errors.every((error) => Math.abs(error) <= 0.15) ? 'yes' : 'NO',
      "ms from ArmNN's slow-down": transferred,
      'its error': percent(transferred / latencyMs - 1),
      "ArmNN's W": there?.powerW ?? Number.NaN,
    };
  });
}

function heldOutRow({ what, cases, mape, baseMape, published, coverage, upperOver, isMet }: HeldOutSummary): BenchRow {
  return {
    what,
    fits: cases,
    MAPE: percent(mape),
    "the base's": percent(baseMape),
    ratio: mape / baseMape,
    published: percent(published),
    'in the 95 % intervals': percent(coverage),
    'upper end': `× ${upperOver.toFixed(2)}`,
    met: isMet ? 'yes' : 'NO',
  };
}

/** Fits to 10 to 600 rows of some sizes or families, tested on all others; by what is left out, and by rows. */
function heldOut(): { title: string; rows: BenchRow[] }[] {
  const cases = heldOutSets().flatMap(heldOutCases);
  const sets = [...new Set(cases.map(({ set, leaves }) => `${set}: other ${leaves}`))];
  const bySet = sets.map((what) =>
    summaryOf(
      what,
      cases.filter(({ set, leaves }) => `${set}: other ${leaves}` === what),
    ),
  );
  const byRows = ROW_COUNTS.map((count) =>
    summaryOf(
      `${count} rows`,
      cases.filter(({ wanted }) => wanted === count),
    ),
  );
  const bars = 'bars: at least 90 % in the 95 % intervals, MAPE at most 1.2 × the base’s';
  return [
    { title: `What a fit says of sizes and families that it has not seen (${bars})`, rows: bySet.map(heldOutRow) },
    { title: `The same by the rows of the fit (${bars})`, rows: byRows.map(heldOutRow) },
  ];
}

report([
  { title: 'Latency and energy on architectures that no fit has seen', rows: [...raspberryPi5(), ...raspberryPi4()] },
  { title: 'Input shapes that no fit has seen', rows: otherShapes() },
  { title: 'Latency error of each profile, and what its file publishes', rows: publishedErrors() },
  ...heldOut(),
  {
    title: 'Thread scaling against ncnn (bar: within 15 %): as shipped, and each network predicted from the others',
    rows: threadScaling(),
  },
  {
    title: 'AGX Xavier, ResNet-50 in TensorFlow Lite, power modes of MLPerf (bar: within 15 %)',
    rows: powerModes(),
  },
]);
