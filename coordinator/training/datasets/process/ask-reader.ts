/** Has a data set read by a process of its own, within limits of memory and time. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { DatasetReport } from '@edgetune/shared/domain/dataset-report.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { NotWrittenError } from '../../../lifecycle/not-written-error.ts';
import { DatasetError } from '../../training-service.ts';
import { LIMITS, sizeText } from '../source/limits.ts';
import { type DatasetAnswer, type DatasetRequest, datasetAnswerSchema } from './dataset-messages.ts';

/** How often memory and time are looked at. */
const LOOK_MS = 100;
const PAGE_BYTES = 4096;

export interface AskOptions {
  /** Is told of the process, which others may stop and continue (host lease). */
  onStarted?: (child: ChildProcess) => void;
  /** Milliseconds that the process has stood still for others; they are not counted. */
  pausedMs?: () => number;
}

/** @throws {DatasetError} where the data are refused, or where reading them takes more than it may */
export async function askReader(
  request: DatasetRequest,
  { onStarted, pausedMs = () => 0 }: AskOptions = {},
): Promise<Exclude<DatasetAnswer, { type: 'error' }>> {
  const url = childModuleUrl(import.meta.url, './dataset-child.ts', './dataset-child.js');
  const child = fork(url, {
    execArgv: execArgvFor(url),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onStarted?.(child);
  const answer = await heard(child, request, pausedMs);
  if (answer.type !== 'error') return answer;
  if (answer.name === 'NotWrittenError') throw new NotWrittenError('disk-full', answer.message);
  if (answer.name === 'DatasetError') throw new DatasetError(answer.message);
  throw Object.assign(new Error(answer.message), { name: answer.name });
}

/**
 * What a data set holds, with samples to look at; it is not prepared for training.
 * @param takes the kind of data that is wanted; absent: whatever it is
 * @throws {DatasetError}
 */
export async function lookAtDataset(
  dataset: DatasetSpec,
  takes?: string,
  options: AskOptions = {},
): Promise<DatasetReport> {
  const answer = await askReader({ dataset, takes: takes ?? null, into: null, limits: LIMITS }, options);
  if (answer.type !== 'report') throw new Error('a data set that was to be looked at was prepared');
  return answer.report;
}

function heard(child: ChildProcess, request: DatasetRequest, pausedMs: () => number): Promise<DatasetAnswer> {
  const { limits, dataset } = request;
  const what = typeof dataset.path === 'string' ? dataset.path : `the data set (${dataset.format})`;
  return new Promise((resolve, reject) => {
    const startMs = Date.now() - pausedMs();
    const end = (settle: () => void) => {
      clearInterval(timer);
      child.removeAllListeners('message').removeAllListeners('exit');
      settle();
    };
    const refuse = (why: string) => {
      child.kill('SIGKILL');
      end(() => reject(new DatasetError(`${what} was not read to its end: ${why}`)));
    };
    const look = () => {
      const seconds = (Date.now() - startMs - pausedMs()) / 1000;
      if (seconds > limits.seconds)
        refuse(
          `it takes longer than ${limits.seconds.toLocaleString('en')} s; use fewer or smaller files, or pack them (NPZ, IDX, CSV)`,
        );
      const bytes = residentBytes(child.pid as number);
      if (bytes > limits.memoryBytes)
        refuse(`it needs more than ${sizeText(limits.memoryBytes)} of memory; use fewer samples, or smaller ones`);
    };
    const timer = setInterval(look, LOOK_MS);
    child.on('error', (error) =>
      end(() => reject(new Error(`the process that reads data sets cannot be used: ${error.message}`))),
    );
    child.on('exit', (code, signal) =>
      refuse(
        `the process that read it ended ${signal === null ? `with code ${code}` : `by ${signal}`} (out of memory?)`,
      ),
    );
    child.on('message', (message) => end(() => resolve(datasetAnswerSchema.parse(message))));
    child.send(request, (error) => {
      if (error) end(() => reject(error));
    });
  });
}

/** 0 where the system does not say (it has no /proc), or where the process is gone. */
function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
