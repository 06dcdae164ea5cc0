/** A study's progress in the terminal: a line per finished trial, and a bar below it where the output is a terminal. */
import { datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';

export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

export class StudyProgress {
  readonly #output: ProgressOutput;
  readonly #plannedTrials: number;
  readonly #started = new Set<number>();
  readonly #ended = new Set<number>();
  readonly #training = new Map<number, string>();
  #measurements = 0;
  #finishing = false;
  /** The last one that was said. */
  #reason: string | null = null;

  constructor(output: ProgressOutput, plannedTrials: number) {
    this.#output = output;
    this.#plannedTrials = plannedTrials;
  }

  /** What the study waits for by itself without an event of its own, such as space on the coordinator's disk. */
  waits(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#line(`waiting: ${reason}`);
    this.#bar();
  }

  /** Takes in an event and shows what is new. */
  show({ body }: StudyEvent): void {
    switch (body.type) {
      case 'study-state':
        this.#reason = body.reason;
        if (body.reason !== null) this.#line(`${body.state}: ${body.reason}`);
        break;
      case 'dataset-read':
        this.#line(datasetText(body.evidence));
        for (const { level, message } of body.evidence.notices) this.#line(`  ${level}: ${message}`);
        break;
      case 'warning':
        this.#line(`warning: ${body.message}`);
        break;
      case 'trial-asked':
        this.#started.add(body.trialId);
        break;
      case 'training-started':
        this.#training.set(body.trialId, `trial ${body.trialId}`);
        this.#finishing = this.#ended.has(body.trialId) && this.#ended.size >= this.#plannedTrials;
        break;
      case 'epoch':
        this.#training.set(body.trialId, `trial ${body.trialId} epoch ${body.epoch}${accuracyOf(body.metrics)}`);
        break;
      case 'training-finished':
        this.#training.delete(body.trialId);
        break;
      case 'measured':
        if (body.source === 'measured') this.#measurements++;
        break;
      case 'trial-told': {
        this.#training.delete(body.trialId);
        this.#ended.add(body.trialId);
        const latencies = Object.entries(body.metrics).filter(([name]) => name.startsWith('latency.p50@'));
        const onDevices = latencies.map(
          ([name, ms]) =>
            `${name.slice('latency.p50@'.length)} ${formatQuantity(ms, 'time')}${body.predicted.includes(name) ? '?' : ''}`,
        );
        const status =
          body.status === 'ok'
            ? `rung ${body.rung}${accuracyOf(body.metrics)}`
            : `${body.status}: ${body.reason ?? ''}`;
        this.#line(
          `trial ${String(body.trialId).padStart(3)}  ${status}${onDevices.length > 0 ? `   p50: ${onDevices.join(', ')}` : ''}`,
        );
        break;
      }
      default:
        return;
    }
    this.#bar();
  }

  /** Removes the bar. */
  end(): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE);
  }

  #line(text: string): void {
    this.#output.write(`${this.#output.isTTY ? CLEAR_LINE : ''}${text}\n`);
  }

  #bar(): void {
    if (!this.#output.isTTY) return;
    const share = Math.min(1, this.#ended.size / this.#plannedTrials);
    const filled = Math.round(share * BAR_WIDTH);
    const what = this.#finishing ? 'training the best to the full budget' : [...this.#training.values()].join(', ');
    const text = `[${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}] ${this.#ended.size}/${this.#plannedTrials} trials, ${this.#measurements} measurements  ${what}`;
    this.#output.write(`${CLEAR_LINE}${text.slice(0, (this.#output.columns ?? 100) - 1)}`);
  }
}

function accuracyOf(metrics: Record<string, number>): string {
  return metrics.accuracy === undefined ? '' : ` accuracy ${formatQuantity(metrics.accuracy, 'ratio')}`;
}
