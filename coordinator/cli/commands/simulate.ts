/** `edgetune simulate`: what models would cost on a board that is not there. */
import type { BoardProfile, ProfileError } from '@edgetune/shared/costmodel/board-profile.ts';
import { backendFor, type Prediction, predict, UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import {
  executionProviderSchema,
  type InferenceConfig,
  inferenceConfigSchema,
  type Precision,
  precisionSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { analyseGraph } from '@edgetune/shared/onnx/analyse.ts';
import type { InputFlags } from '@edgetune/shared/onnx/input-options.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { type Command, Option } from 'commander';
import { modelFrom, modelRefusal, withInputOptions } from '../model-options.ts';
import { PROFILE_NAMES, PROFILE_RUNNERS, positiveInt, profileArgument } from './simulate-options.ts';

export interface SimulateOptions extends InputFlags {
  profile: BoardProfile;
  /** Absent: the one that the model is fixed to, else 1. */
  batch?: number;
  threads: number;
  clock?: number;
  /** Absent: the model's own. */
  precision?: Precision;
  provider: InferenceConfig['executionProvider'];
  runner?: InferenceConfig['runner'];
  powerMode?: string;
  json?: boolean;
}

/** What is said of one model file. `error`: it is refused, and why; the other fields are absent then. */
export interface SimulatedModel {
  model: string;
  profile: string;
  simulated: true;
  error?: { code: string; message: string };
  macs?: number;
  parameters?: number;
  /** Shapes of the inputs that it was asked for. */
  inputs?: Record<string, number[]>;
  /** What was taken for granted of its sizes and of what depends on the data. */
  assumptions?: string[];
  config?: InferenceConfig;
  latencyMs?: number;
  memoryBytes?: number;
  outOfMemory?: boolean;
  /** Per sample, in all and above idle. */
  energyJ?: number;
  netEnergyJ?: number;
  powerW?: number;
  throughputPerS?: number;
  uncertainty?: Prediction['uncertainty'];
  /** What the profile publishes of the backend that was used. */
  publishedError?: ProfileError;
  perKernel?: Prediction['perKernel'];
}

function configOf(options: SimulateOptions, batchSize: number, own: Precision): InferenceConfig {
  const { profile, provider } = options;
  const runner = profile.backends.find((backend) => backend.executionProvider === provider)?.runners[0];
  return inferenceConfigSchema.parse({
    batchSize,
    threads: options.threads,
    clockKHz: options.clock ?? null,
    precision: options.precision ?? own,
    executionProvider: provider,
    runner: options.runner ?? runner,
  });
}

/** The outcome for one file; a model or a config that the board cannot run is an answer, not an exception. */
export function simulateModel(model: string, options: SimulateOptions): SimulatedModel {
  const head = { model, profile: options.profile.name, simulated: true } as const;
  try {
    const { graph, dimensions } = modelFrom(model, options);
    const batchSize = options.batch ?? modelSizes(graph, dimensions).fixedBatch ?? 1;
    const analysis = analyseGraph(graph, { batchSize, dimensions });
    const config = configOf(options, batchSize, analysis.precision);
    const prediction = predict(options.profile, analysis, config, { powerMode: options.powerMode });
    const { latencyMs, memoryBytes, outOfMemory, energyJ, netEnergyJ, powerW, uncertainty, perKernel } = prediction;
    return {
      ...head,
      macs: analysis.macs,
      parameters: analysis.parameters,
      inputs: Object.fromEntries(analysis.inputShapes),
      assumptions: analysis.assumptions,
      config,
      latencyMs,
      memoryBytes,
      outOfMemory,
      energyJ,
      netEnergyJ,
      powerW,
      throughputPerS: (batchSize * 1000) / latencyMs,
      uncertainty,
      publishedError: backendFor(options.profile, config).error ?? options.profile.error,
      perKernel,
    };
  } catch (error) {
    return { ...head, error: refusalOf(error) };
  }
}

/** Also what was not foreseen is told of this model alone: the others are simulated all the same. */
function refusalOf(error: unknown): { code: string; message: string } {
  if (error instanceof UnsupportedConfigError) return { code: 'unsupported-config', message: error.message };
  return (
    modelRefusal(error) ?? { code: 'fault', message: `EdgeTune made a mistake with it: ${(error as Error).message}` }
  );
}

function range(interval: readonly [number, number] | null, dimension: 'time' | 'energy' | 'memory'): string {
  if (!interval) return 'not compared';
  return `${formatQuantity(interval[0], dimension)} – ${formatQuantity(interval[1], dimension)}`;
}

function describe(result: SimulatedModel): string {
  const { model, profile, error, uncertainty, outOfMemory } = result;
  if (error) return `${model}: refused (${error.code}): ${error.message}`;
  const memory = formatQuantity(result.memoryBytes ?? 0, 'memory');
  return [
    `${model} on ${profile}, simulated${outOfMemory ? ': OUT OF MEMORY' : ''}`,
    `  latency     ${formatQuantity(result.latencyMs ?? 0, 'time')}  (95 %: ${range(uncertainty?.latencyMs ?? null, 'time')})`,
    `  energy      ${formatQuantity(result.energyJ ?? 0, 'energy')} a sample  (95 %: ${range(uncertainty?.energyJ ?? null, 'energy')})`,
    `  memory      ${memory}  (95 %: ${range(uncertainty?.memoryBytes ?? null, 'memory')})`,
    `  inputs      ${shapesText(result.inputs ?? {})}`,
    `  throughput  ${formatQuantity(result.throughputPerS ?? 0, 'rate')}`,
    ...(result.assumptions ?? []).map((assumption) => `  assumed     ${assumption}`),
    ...errorLine(result.publishedError),
    ...mostExpensive(result.perKernel ?? []),
  ].join('\n');
}

function shapesText(inputs: Readonly<Record<string, readonly number[]>>): string {
  const shapes = Object.entries(inputs).map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  return shapes.join(', ') || 'none';
}

function errorLine(error: ProfileError | undefined): string[] {
  if (!error || error.latencyMape === null) return [];
  const isEstimate = error.estimated.includes('latency') ? ', an estimate' : '';
  return [
    `  the profile's latency error is ${formatQuantity(error.latencyMape, 'ratio')} on average${isEstimate}: ${error.comparedWith}`,
  ];
}

const SHOWN_KERNELS = 5;

function mostExpensive(kernels: Prediction['perKernel']): string[] {
  const sorted = [...kernels].sort((one, two) => two.latencyMs - one.latencyMs);
  return sorted
    .slice(0, SHOWN_KERNELS)
    .map(
      ({ name, ops, latencyMs }) => `    ${formatQuantity(latencyMs, 'time').padStart(8)}  ${ops.join('+')}  ${name}`,
    );
}

const EXAMPLES = `
Profiles: ${PROFILE_NAMES}, or the path of your own (YAML).

Examples:
  edgetune simulate model.onnx --profile raspberry-pi-5 --threads 4
  edgetune simulate *.onnx --profile mine.yaml --batch 8 --json
  edgetune simulate bert.onnx --profile raspberry-pi-4 --dimension tokens=128
  edgetune simulate ocr.onnx --profile raspberry-pi-4 --shape x=batch,3,48,192 --batch 8

Exit code 1 where any of the models is refused.`;

/** Adds the command to the program. */
export function registerSimulate(program: Command): void {
  withInputOptions(program.command('simulate'))
    .description('what ONNX models would cost on a board that is not there: latency, memory, energy, per kernel')
    .argument('<models...>', 'ONNX files')
    .requiredOption('--profile <name>', 'board profile, by name or as a YAML file', profileArgument)
    .option('--batch <samples>', 'samples per run; absent: 1, or what the model is fixed to', positiveInt)
    .option('--threads <count>', 'threads', positiveInt, 1)
    .option('--clock <kHz>', 'CPU clock; absent: the highest', positiveInt)
    .addOption(new Option('--precision <name>', "precision; absent: the model's own").choices(precisionSchema.options))
    .addOption(
      new Option('--provider <name>', 'execution provider').choices(executionProviderSchema.options).default('cpu'),
    )
    .option('--runner <name>', `runner of the profile (${PROFILE_RUNNERS}); absent: the first that fits`)
    .option('--power-mode <name>', "one of the profile's power modes")
    .option('--json', 'print JSON: one object per model, in a list')
    .addHelpText('after', EXAMPLES)
    .action((models: string[], options: SimulateOptions) => {
      const results = models.map((model) => simulateModel(model, options));
      if (options.json) console.log(JSON.stringify(results, null, 2));
      else for (const result of results) console.log(describe(result));
      if (results.some((result) => result.error)) process.exitCode = 1;
    });
}
