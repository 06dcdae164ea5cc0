/** What benches need of the store. A promise that resolves says: it is written durably. */
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { BenchRequest, BenchView } from '@edgetune/shared/protocol/bench.ts';

/** What a bench measures: what the request leaves open is settled by the model, and what it says of the inputs is written into it. */
export type BenchPlan = Omit<BenchRequest, 'dimensions' | 'shapes' | 'inputValues'> & {
  batchSizes: number[];
  precisions: Precision[];
  dimensions: Record<string, number>;
};

/** A bench and what it was asked, so that a coordinator that starts again can go on with it. */
export interface BenchRecord {
  request: BenchPlan;
  view: BenchView;
}

export interface BenchRepository {
  /** Adds a bench that begins. Rejects at once where the disk is full: whoever asked for it is to hear it. */
  add(record: BenchRecord): Promise<void>;
  /** Replaces the one with the same id in its place, or adds it. While the disk is full it waits. */
  save(record: BenchRecord): Promise<void>;
  get(id: string): BenchRecord | null;
  /** Newest first. */
  list(): BenchRecord[];
  remove(id: string): Promise<void>;
  /** SHA-256 of the models of all benches, and of their variants. */
  models(): string[];
}
