/**
 * `npm run bench:boards`: how true simulated boards are. Profiles are fitted to ten architectures that are chosen by
 * design (from their graphs alone) and tested on all others; the base of a fit has seen no row of the board and runtime.
 */

import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { raspberryPi5Start } from '@edgetune/shared/costmodel/profiles/raspberry-pi-5.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { agreementOf } from './boards/agreement.ts';
import {
  ncnnLatencyMs,
  ONE_THREAD,
  onnxModel,
  raspberryPi4Rows,
  raspberryPi5Rows,
  xavierPowerModes,
} from './boards/measured-rows.ts';
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

function splitByDesign(base: BoardProfile, rows: readonly FitRow[]): { fit: FitRow[]; test: FitRow[] } {
  const chosen = new Set(
    chooseCalibrationSet(
      base,
      rows.map((row) => row.analysis),
      ONE_THREAD,
      CALIBRATION_SIZE,
    ),
  );
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

/** Boards of ncnn's table, by the start of their names there. */
const NCNN_DEVICES: readonly [profile: string, device: string, threads: readonly number[]][] = [
  ['raspberry-pi-3b-plus', 'Raspberry Pi 3 Model B+', [4]],
  ['raspberry-pi-4', 'Raspberry Pi 4 Model B', [4]],
  ['raspberry-pi-5', 'Raspberry Pi 5 Broadcom BCM2712, Cortex', [4]],
  ['raspberry-pi-zero-2w', 'Raspberry Pi Zero 2 W', [4]],
  ['jetson-nano', 'NVIDIA Jetson Nano', [4]],
  ['jetson-orin-nano', 'NVIDIA Jetson Orin Nano', [6]],
  ['jetson-agx-xavier', 'NVIDIA Jetson AGX Xavier', [2, 4]],
];

function threadScaling(): BenchRow[] {
  const models = { squeezenet: onnxModel('light-squeezenet.onnx'), resnet50: onnxModel('light-resnet50.onnx') };
  return NCNN_DEVICES.flatMap(([name, device, counts]) =>
    Object.entries(models).flatMap(([model, bytes]) => {
      const analysis = analyseModel(bytes, { batchSize: 1 });
      const at = (threads: number) => predict(boardProfileNamed(name), analysis, { ...ONE_THREAD, threads }).latencyMs;
      return counts.map((threads) => {
        const measured = ncnnLatencyMs(device, model, 1) / ncnnLatencyMs(device, model, threads);
        const predicted = at(1) / at(threads);
        const error = predicted / measured - 1;
        return {
          profile: name,
          model,
          threads,
          'speed-up measured': measured,
          predicted,
          error: percent(error),
          met: Math.abs(error) <= 0.15 ? 'yes' : 'NO',
        };
      });
    }),
  );
}

function powerModes(): BenchRow[] {
  const profile = boardProfileNamed('jetson-agx-xavier');
  const analysis = analyseModel(onnxModel('light-resnet50.onnx'), { batchSize: 1 });
  return xavierPowerModes().map(({ powerMode, latencyMs, powerW }) => {
    const threads = profile.powerModes.find((mode) => mode.name === powerMode)?.cores ?? 1;
    const predicted = predict(profile, analysis, { ...ONE_THREAD, threads }, { powerMode });
    const errors = [predicted.latencyMs / latencyMs - 1, predicted.powerW / powerW - 1];
    return {
      'power mode': powerMode,
      'measured ms': latencyMs,
      'predicted ms': predicted.latencyMs,
      'measured W': powerW,
      'predicted W': predicted.powerW,
      met: errors.every((error) => Math.abs(error) <= 0.15) ? 'yes' : 'NO',
    };
  });
}

report([
  { title: 'Latency and energy on architectures that no fit has seen', rows: [...raspberryPi5(), ...raspberryPi4()] },
  {
    title: 'Thread scaling against ncnn (bar: within 15 %; the profiles take their scaling from these figures)',
    rows: threadScaling(),
  },
  {
    title: 'AGX Xavier, ResNet-50, power modes against MLPerf (bar: within 15 %; fitted to these)',
    rows: powerModes(),
  },
]);
