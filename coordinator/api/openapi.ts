/** The OpenAPI document, made of the schemas by which requests and answers are parsed. */
import {
  benchListSchema,
  benchModelSchema,
  benchRequestSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import { calibrationRequestSchema, calibrationViewSchema } from '@edgetune/shared/protocol/calibration.ts';
import * as http from '@edgetune/shared/protocol/http.ts';
import {
  tunerListSchema,
  tunerRequestSchema,
  tunerSpecSchema,
  tunerViewSchema,
} from '@edgetune/shared/protocol/tuner-lines.ts';
import { z } from 'zod';
import { needsAdminToken } from './guard.ts';

interface Operation {
  summary: string;
  body?: z.ZodType;
  answer?: z.ZodType;
  /** The body's media type, where it is not JSON; without a schema the body is a file. */
  bodyMedia?: string;
  /** The answer's media type, where it is not JSON. */
  media?: string;
}

const OPERATIONS: Record<string, Record<string, Operation>> = {
  '/api/health': { get: { summary: 'Is the coordinator there?', answer: http.healthSchema } },
  '/api/enroll': {
    post: {
      summary: 'An agent trades a join token for a credential',
      body: http.enrollRequestSchema,
      answer: http.enrollResponseSchema,
    },
    delete: { summary: 'A device leaves the fleet, with its own credential' },
  },
  '/api/devices': {
    get: { summary: 'The fleet', answer: http.deviceListSchema },
    post: { summary: 'Add a device by name', body: http.addDeviceRequestSchema, answer: http.addDeviceResponseSchema },
  },
  '/api/devices/{name}': {
    patch: { summary: 'Rename a device', body: http.renameDeviceRequestSchema },
    delete: { summary: 'Remove a device' },
  },
  '/api/devices/{name}/token': {
    post: { summary: 'A new join token for a device', answer: http.addDeviceResponseSchema },
  },
  '/install.sh': {
    get: {
      summary: 'The script that installs the agent on a board, with this address in it',
      media: 'text/x-shellscript',
    },
  },
  '/install/{file}': {
    get: {
      summary:
        'agent-PLATFORM.tgz or node-PLATFORM.tgz for linux-arm64 or linux-x64; with .sha256 appended, its SHA-256 as sha256sum reads it',
      media: 'application/gzip',
    },
  },
  '/api/workloads': { get: { summary: 'What can be trained', answer: http.workloadListSchema } },
  '/api/studies': {
    get: { summary: 'All studies', answer: http.studyListSchema },
    post: { summary: 'Start a study', body: http.createStudyRequestSchema, answer: http.createStudyResponseSchema },
  },
  '/api/studies/{id}': {
    get: { summary: 'A study by id or name', answer: http.studyDetailSchema },
    delete: { summary: 'Remove a study' },
  },
  '/api/studies/{id}/stop': { post: { summary: 'Stop a study', answer: http.createStudyResponseSchema } },
  '/api/studies/{id}/resume': { post: { summary: 'Go on with a study', answer: http.createStudyResponseSchema } },
  '/api/studies/{id}/events': { get: { summary: 'Events after ?after=, at most ?limit=' } },
  '/api/studies/{id}/stream': {
    get: { summary: 'Events as they happen', media: 'text/event-stream', answer: http.studyStreamMessageSchema },
  },
  '/api/studies/{id}/export': {
    get: { summary: 'Models, model cards, recommendation and report', media: 'application/zip' },
  },
  '/api/stream': {
    get: {
      summary: 'Changes of the fleet and of studies',
      media: 'text/event-stream',
      answer: http.overviewStreamMessageSchema,
    },
  },
  '/api/bench/models': {
    post: {
      summary: 'Upload an ONNX model to bench: the file as the body',
      bodyMedia: 'application/octet-stream',
      answer: benchModelSchema,
    },
  },
  '/api/bench': {
    get: { summary: 'All benches, newest first', answer: benchListSchema },
    post: { summary: 'Find the best way to run a model on devices', body: benchRequestSchema, answer: benchViewSchema },
  },
  '/api/bench/{id}': {
    get: { summary: 'A bench: what was measured, what is recommended', answer: benchViewSchema },
    delete: { summary: 'Forget a bench that has ended' },
  },
  '/api/bench/{id}/cancel': { post: { summary: 'Cancel a bench', answer: benchViewSchema } },
  '/api/calibrations': {
    post: { summary: 'Fit a board profile to a device', body: calibrationRequestSchema, answer: calibrationViewSchema },
  },
  '/api/calibrations/{id}': {
    get: { summary: 'A calibration: what was measured, the fitted profile', answer: calibrationViewSchema },
  },
  '/api/calibrations/{id}/cancel': { post: { summary: 'Cancel a calibration', answer: calibrationViewSchema } },
  '/api/tuners': {
    get: { summary: 'Tuners that programs drive', answer: tunerListSchema },
    post: {
      summary: 'A tuner for a program: its specification in JSON or YAML',
      body: tunerSpecSchema,
      answer: tunerViewSchema,
    },
  },
  '/api/tuners/{id}': {
    get: { summary: 'A tuner and its open jobs', answer: tunerViewSchema },
    post: {
      summary: 'Ask and tell: one JSON message a line, one answer a line, in order',
      body: tunerRequestSchema,
      bodyMedia: 'application/jsonl',
      media: 'application/jsonl',
    },
    delete: { summary: 'Remove a tuner' },
  },
  '/api/blobs/{sha256}': { get: { summary: 'A model or model card', media: 'application/octet-stream' } },
};

export function openApiDocument(version: string): object {
  const problem = { description: 'What was wrong and what to do', content: described(http.problemSchema) };
  return {
    openapi: '3.1.0',
    info: { title: 'EdgeTune', version, license: { name: 'Apache-2.0' } },
    components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } } },
    security: [{ adminToken: [] }],
    paths: Object.fromEntries(
      Object.entries(OPERATIONS).map(([path, methods]) => [
        path,
        {
          parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
            name,
            in: 'path',
            required: true,
            schema: { type: 'string' },
          })),
          ...Object.fromEntries(
            Object.entries(methods).map(
              ([method, { summary, body, answer, bodyMedia, media = answer && 'application/json' }]) => [
                method,
                {
                  summary,
                  ...(needsAdminToken(path) ? {} : { security: [] }),
                  ...requestBody(body, bodyMedia),
                  responses: {
                    '2XX': {
                      description: 'Done',
                      ...(media ? { content: { [media]: answer ? { schema: schemaOf(answer) } : {} } } : {}),
                    },
                    default: problem,
                  },
                },
              ],
            ),
          ),
        },
      ]),
    ),
  };
}

function requestBody(schema: z.ZodType | undefined, media: string | undefined) {
  if (schema) return { requestBody: { required: true, content: described(schema, 'input', media) } };
  return media ? { requestBody: { required: true, content: { [media]: {} } } } : {};
}

function described(schema: z.ZodType, io: 'input' | 'output' = 'output', media = 'application/json') {
  return { [media]: { schema: schemaOf(schema, io) } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output') {
  // Transformed texts (objectives, constraints) are described as what they become.
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
