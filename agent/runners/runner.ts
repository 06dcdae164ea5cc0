/** How a model is executed: one interface over ONNX Runtime in this process, in Python, and trtexec. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import type { Part } from '@edgetune/shared/domain/part.ts';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import type { Host } from '../board/host.ts';
import type { Missing } from '../board/probe-board.ts';

export interface RunRequest {
  /** A model file that was verified; nothing that lies beside it belongs to it. */
  modelPath: string;
  config: InferenceConfig;
  scenario: Scenario;
  stopRule: StopRule;
  /** Sizes of symbolic dimensions other than the batch, by name. */
  dimensions: Readonly<Record<string, number>>;
  /** Seeds the input values. */
  seed: number;
}

/** How long a program may take to say which version it is: importing onnxruntime with CUDA takes a slow board some seconds. */
export const PROBE_TIMEOUT_MS = 60_000;

/** Renewed by ldconfig(8) whenever a system library is installed or taken away, those of CUDA and TensorRT among them. */
export const LIBRARIES = '/etc/ld.so.cache';

/** What a board has of a runner. */
export type InstalledRuntime = Omit<BoardDescription['runtimes'][number], 'runner'>;

/** The name is what inference configs call it. Started, it lives in the measuring process, and ends with it. */
export interface Runner extends Part {
  /** Whether the measuring process itself executes the model; else it waits for another one that does. */
  readonly executesHere: boolean;
  /** What of it this board has; null: nothing; what is missing where it is there and of no use. */
  probe(host: Host): Promise<InstalledRuntime | Missing | null>;
  /**
   * Files and folders on which the answer of `probe` depends: it is asked again when one of them has changed. Absent: it
   * cannot change while the agent runs.
   */
  probedFrom?(host: Host): string[];
  /**
   * Brings up all that is the runtime's and not the model's: memory that is in use afterwards is no part of the model's.
   * @throws {ModelRefusedError} where this runner can never run the model in this config
   */
  start(request: RunRequest): Promise<StartedRunner>;
}

export interface StartedRunner {
  /** @throws {ModelRefusedError} where this runner can never run the model in this config */
  load(): Promise<LoadedModel>;
}

/** A model that is run on command, or one whose runner generates the load by itself. */
export type LoadedModel = CommandedModel | SelfTimedModel;

export interface CommandedModel {
  readonly kind: 'commanded';
  /** Runs so many samples at once and resolves when their outputs are there. @throws {ModelRefusedError} */
  run(samples: number): Promise<Run>;
  /** Does so again and again without a pause. @returns how long each run took, in ms */
  burst(samples: number, times: number): Promise<readonly number[]>;
  /** What the process that executes the model has used since it was started. */
  usage(): Promise<Usage>;
}

export interface Run {
  /** Rows of the first output: the batch that the runtime really ran; null where it has none. */
  outputRows: number | null;
  /** How long it took where the model is executed, without the way there and back: to another process, or by the event loop. */
  durationMs: number;
}

export interface SelfTimedModel {
  readonly kind: 'self-timed';
  /** Plays the scenario, warm-up included. */
  play(): Promise<SelfPlayed>;
}

/** What was run in the window of a runner that generates the load by itself, and what it used. */
export interface SelfPlayed extends Usage {
  latenciesMs: number[];
  samples: number;
  /** On the machine's monotonic clock, which all its processes share. */
  windowStartMs: number;
  windowMs: number;
  overheadMs: number;
  stopReason: NonNullable<Measurement['stopReason']>;
}

export interface Usage {
  cpuSeconds: number;
  /** Peak resident memory since `load` was called, less what was resident then; null: the kernel does not tell. */
  peakMemoryBytes: number | null;
  /** Peak resident memory of the whole process that executes the model. */
  processPeakMemoryBytes: number | null;
}

/** This model or config can never run here; the message says what to do. */
export class ModelRefusedError extends Error {
  override name = 'ModelRefusedError';
}

/** What ONNX Runtime says of a model that it will never run. */
const NEVER_RUNS = /not implemented|unsupported|opset|invalid (model|graph)|load model|Protobuf parsing failed/i;

/** The error of ONNX Runtime as what it means. */
export function onnxruntimeError(message: string, cause?: unknown): Error {
  return NEVER_RUNS.test(message) ? new ModelRefusedError(message, { cause }) : new Error(message, { cause });
}
