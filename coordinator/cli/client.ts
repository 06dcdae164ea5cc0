/** A typed client of the HTTP API: every answer is parsed by its schema. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceViewSchema } from '@edgetune/shared/domain/device.ts';
import { type StudyEvent, studyEventSchema } from '@edgetune/shared/domain/study-event.ts';
import {
  type BenchRequestBody,
  benchListSchema,
  benchModelSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import { type CalibrationRequestBody, calibrationViewSchema } from '@edgetune/shared/protocol/calibration.ts';
import * as http from '@edgetune/shared/protocol/http.ts';
import { tunerListSchema, tunerViewSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { z } from 'zod';
import { type ClientOptions, createTransport, RefusedError } from './transport.ts';

const RECONNECT_MS = 500;

export type Client = ReturnType<typeof createClient>;

export function createClient(options: ClientOptions) {
  const { request, json } = createTransport(options);
  const study = (id: string) => `/api/studies/${encodeURIComponent(id)}`;
  const tuner = (id: string) => `/api/tuners/${encodeURIComponent(id)}`;
  const device = (name: string) => `/api/devices/${encodeURIComponent(name)}`;
  return {
    health: () => json(http.healthSchema, 'GET', '/api/health'),
    devices: async () => (await json(http.deviceListSchema, 'GET', '/api/devices')).devices,
    strangers: async () => (await json(http.deviceListSchema, 'GET', '/api/devices')).strangers,
    addDevice: (name: string) => json(http.addDeviceResponseSchema, 'POST', '/api/devices', { name }),
    renewToken: (name: string) => json(http.addDeviceResponseSchema, 'POST', `${device(name)}/token`),
    renameDevice: (name: string, newName: string) => json(deviceViewSchema, 'PATCH', device(name), { name: newName }),
    removeDevice: async (name: string) => void (await request('DELETE', device(name))),
    tuners: async () => (await json(tunerListSchema, 'GET', '/api/tuners')).tuners,
    tuner: (id: string) => json(tunerViewSchema, 'GET', tuner(id)),
    removeTuner: async (id: string) => void (await request('DELETE', tuner(id))),
    studies: () => json(http.studyListSchema, 'GET', '/api/studies'),
    study: (id: string) => json(http.studyDetailSchema, 'GET', study(id)),
    createStudy: async (yaml: string) =>
      (await json(http.createStudyResponseSchema, 'POST', '/api/studies', { yaml })).study,
    stopStudy: async (id: string) => (await json(http.createStudyResponseSchema, 'POST', `${study(id)}/stop`)).study,
    resumeStudy: async (id: string) =>
      (await json(http.createStudyResponseSchema, 'POST', `${study(id)}/resume`)).study,
    extendStudy: async (id: string, extension: z.infer<typeof http.extendStudyRequestSchema>) =>
      (await json(http.createStudyResponseSchema, 'POST', `${study(id)}/extend`, extension)).study,
    leaveOut: (id: string, device: string) =>
      json(http.studyDetailSchema, 'POST', `${study(id)}/devices/${encodeURIComponent(device)}/leave-out`),
    replaceDevice: (id: string, device: string, by: string) =>
      json(http.studyDetailSchema, 'POST', `${study(id)}/devices/${encodeURIComponent(device)}/replace`, { by }),
    removeStudy: async (id: string, all = false) =>
      void (await request('DELETE', `${study(id)}${all ? '?all=true' : ''}`)),
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
