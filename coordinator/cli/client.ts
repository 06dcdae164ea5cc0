/** A typed client of the HTTP API: every answer is parsed by its schema. */

import { setTimeout as sleep } from 'node:timers/promises';
import { deviceViewSchema } from '@edgetune/shared/domain/device.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { type StudyEvent, studyEventSchema } from '@edgetune/shared/domain/study-event.ts';
import {
  type BenchRequestBody,
  benchListSchema,
  benchModelSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import { type CalibrationRequestBody, calibrationViewSchema } from '@edgetune/shared/protocol/calibration.ts';
import * as http from '@edgetune/shared/protocol/http.ts';
import { fetchPinned } from '@edgetune/shared/runtime/pinned-fetch.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { z } from 'zod';

/** The coordinator refused; the problem says why and what to do. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly status: number;
  readonly problem: http.Problem;
  constructor(status: number, problem: http.Problem) {
    const issues = (problem.issues ?? []).map(
      ({ line, path, message }) => `\n  ${line === null ? '' : `line ${line}: `}${path ? `${path}: ` : ''}${message}`,
    );
    super([problem.error, ...issues, problem.hint ? `\n${problem.hint}` : ''].join(''));
    this.status = status;
    this.problem = problem;
  }
}

const RECONNECT_MS = 500;

/** Nobody answers at the coordinator's address. */
export class UnreachableError extends Error {
  override name = 'UnreachableError';
}

export type Client = ReturnType<typeof createClient>;

export interface ClientOptions {
  server: string;
  token?: string | undefined;
  /** Public key of the coordinator, where it is trusted by that. */
  pin?: string | undefined;
}

export function createClient({ server, token, pin }: ClientOptions) {
  const fetch = fetchPinned(pin);
  async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined
        ? {}
        : { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }),
    };
    let response: Response;
    try {
      response = await fetch(new URL(path, server), {
        method,
        headers,
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw unreachable(server, error as Error);
    }
    if (response.ok) return response;
    const problem = http.problemSchema.safeParse(await response.json().catch(() => null));
    throw new RefusedError(
      response.status,
      problem.success
        ? problem.data
        : { error: `${server} answered with HTTP ${response.status}: is it an EdgeTune coordinator?` },
    );
  }

  async function json<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<T>> {
    const answer = schema.safeParse(await (await request(method, path, body)).json());
    if (answer.success) return answer.data;
    throw new Error(
      `the coordinator at ${server} answers as this version of EdgeTune does not know (${mistakesInLine(answer.error)}): use the same version on both`,
    );
  }

  const study = (id: string) => `/api/studies/${encodeURIComponent(id)}`;
  const device = (name: string) => `/api/devices/${encodeURIComponent(name)}`;
  return {
    health: () => json(http.healthSchema, 'GET', '/api/health'),
    devices: async () => (await json(http.deviceListSchema, 'GET', '/api/devices')).devices,
    addDevice: (name: string) => json(http.addDeviceResponseSchema, 'POST', '/api/devices', { name }),
    renewToken: (name: string) => json(http.addDeviceResponseSchema, 'POST', `${device(name)}/token`),
    renameDevice: (name: string, newName: string) => json(deviceViewSchema, 'PATCH', device(name), { name: newName }),
    removeDevice: async (name: string) => void (await request('DELETE', device(name))),
    studies: () => json(http.studyListSchema, 'GET', '/api/studies'),
    study: (id: string) => json(http.studyDetailSchema, 'GET', study(id)),
    createStudy: async (yaml: string) =>
      (await json(http.createStudyResponseSchema, 'POST', '/api/studies', { yaml })).study,
    stopStudy: async (id: string) => (await json(http.createStudyResponseSchema, 'POST', `${study(id)}/stop`)).study,
    resumeStudy: async (id: string) =>
      (await json(http.createStudyResponseSchema, 'POST', `${study(id)}/resume`)).study,
    removeStudy: async (id: string) => void (await request('DELETE', study(id))),
    exportStudy: async (id: string) =>
      new Uint8Array(await (await request('GET', `${study(id)}/export`)).arrayBuffer()),
    uploadBenchModel: (onnx: Uint8Array) => json(benchModelSchema, 'POST', '/api/bench/models', onnx),
    startBench: (body: BenchRequestBody) => json(benchViewSchema, 'POST', '/api/bench', body),
    benches: async () => (await json(benchListSchema, 'GET', '/api/bench')).benches,
    bench: (id: string) => json(benchViewSchema, 'GET', `/api/bench/${encodeURIComponent(id)}`),
    cancelBench: (id: string) => json(benchViewSchema, 'POST', `/api/bench/${encodeURIComponent(id)}/cancel`),
    startCalibration: (body: CalibrationRequestBody) => json(calibrationViewSchema, 'POST', '/api/calibrations', body),
    calibration: (id: string) => json(calibrationViewSchema, 'GET', `/api/calibrations/${encodeURIComponent(id)}`),
    cancelCalibration: (id: string) =>
      json(calibrationViewSchema, 'POST', `/api/calibrations/${encodeURIComponent(id)}/cancel`),
    /** Events of a study as they happen, from the first; comes back after a broken connection. Ends with the signal. */
    async *followStudy(id: string, signal: AbortSignal): AsyncGenerator<StudyEvent> {
      let after = 0;
      let wasConnected = false;
      while (!signal.aborted) {
        if (wasConnected) await sleep(RECONNECT_MS, undefined, { signal });
        try {
          const response = await request('GET', `${study(id)}/stream?after=${after}`, undefined, signal);
          wasConnected = true;
          for await (const data of sseData(response)) {
            const event = studyEventSchema.parse(JSON.parse(data));
            after = event.seq;
            yield event;
          }
        } catch (error) {
          // A coordinator that restarts is waited for; one that was never there is not.
          const mayComeBack = wasConnected && !(error instanceof z.ZodError) && !(error instanceof RefusedError);
          if (!mayComeBack || signal.aborted) throw error;
        }
      }
    },
  };
}

/** @param error of fetch, which has the cause inside */
function unreachable(server: string, error: Error & { cause?: unknown }): UnreachableError {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  if (error instanceof WrongKeyError || code?.includes('CERT') || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    return new UnreachableError(
      `the coordinator at ${server} is not trusted: ${message}. With --tls self-signed, give --pin (or EDGETUNE_PIN) as "edgetune serve" printed it`,
      { cause: error },
    );
  return new UnreachableError(
    `no coordinator answers at ${server}: start one with "edgetune serve" (or npm start), or name another with --server`,
    { cause: error },
  );
}

/** The data of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
async function* sseData(response: Response): AsyncGenerator<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
      if (data.length > 0) yield data.join('\n');
    }
  }
}
