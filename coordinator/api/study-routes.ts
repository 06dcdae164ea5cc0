/** Routes of studies; their live data is in streams.ts. */
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import {
  createStudyRequestSchema,
  createStudyResponseSchema,
  extendStudyRequestSchema,
  replaceDeviceRequestSchema,
  type StudyDetail,
  studyDetailSchema,
  studyEventsSchema,
  studyListSchema,
  workloadListSchema,
} from '@edgetune/shared/protocol/http.ts';
import { z } from 'zod';
import type { Fleet } from '../fleet/fleet.ts';
import type { StudyService } from '../study/study-service.ts';
import { HttpProblem } from './problem.ts';
import { bytes, declared, json, jsonBody, NOTHING, type Routes } from './routes.ts';
import { studyPartsView } from './study-parts.ts';
import { zipFiles } from './zip-files.ts';

/** By id or name. */
export const studyParams = z.object({ id: z.string() });
/** A device by its name in the study. */
const deviceParams = studyParams.extend({ device: z.string() });
/** A name that several studies have is refused, unless all of them are meant. */
const removeQuery = z.object({ all: z.enum(['true', 'false']).default('false') });
const MOST_EVENTS = 5000;
const eventsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(0).max(MOST_EVENTS).default(1000),
});

/** @throws {HttpProblem} where there is no such study */
export function studyNamed(studies: StudyService, { id }: { id: string }): StudyDetail {
  const study = studies.find(id);
  if (!study) throw noStudy(id);
  return study;
}

/**
 * The study that is to be changed.
 * @throws {HttpProblem} where there is no such study, and what the service throws where several have the name
 */
function studyMeant(studies: StudyService, { id }: { id: string }, isOfRunning = false): StudyDetail {
  const study = studies.only(id, isOfRunning);
  if (!study) throw noStudy(id);
  return study;
}

function noStudy(id: string): HttpProblem {
  return new HttpProblem(404, `there is no study "${id}"`, 'GET /api/studies lists them');
}

interface StudyRoutesOptions {
  studies: StudyService;
  parts: StudyParts;
  fleet: Pick<Fleet, 'devices'>;
}

export function studyRoutes(routes: Routes, { studies, parts, fleet }: StudyRoutesOptions): void {
  partsRoute(routes, parts, fleet);
  collectionRoutes(routes, studies);
  runRoutes(routes, studies);
  extendRoute(routes, studies);
  deviceRoutes(routes, studies);
  evidenceRoutes(routes, studies);
}

function partsRoute(routes: Routes, parts: StudyParts, fleet: Pick<Fleet, 'devices'>): void {
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/workloads',
      summary: 'What a study may name: workloads, data formats, samplers, schedulers, scenarios, metrics, runners',
      responses: { 200: json(workloadListSchema) },
    }),
    (c) => c.json(studyPartsView(parts, fleet.devices()), 200),
  );
}

function collectionRoutes(routes: Routes, studies: StudyService): void {
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/studies',
      summary: 'All studies',
      responses: { 200: json(studyListSchema) },
    }),
    (c) => c.json({ studies: studies.list(), setAside: studies.setAside() }, 200),
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/studies',
      summary: 'Start a study',
      request: { body: jsonBody(createStudyRequestSchema) },
      responses: { 201: json(createStudyResponseSchema) },
    }),
    async (c) => c.json({ study: await studies.create(c.req.valid('json').yaml) }, 201),
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/studies/{id}',
      summary: 'A study by id or name',
      request: { params: studyParams },
      responses: { 200: json(studyDetailSchema) },
    }),
    (c) => c.json(studyNamed(studies, c.req.valid('param')), 200),
  );
  routes.openapi(
    declared({
      method: 'delete',
      path: '/api/studies/{id}',
      summary: 'Remove a study, or all of a name',
      request: { params: studyParams, query: removeQuery },
      responses: { 204: NOTHING },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const all = c.req.valid('query').all === 'true';
      if (!(await studies.remove(id, all))) throw noStudy(id);
      return c.body(null, 204);
    },
  );
}

function runRoutes(routes: Routes, studies: StudyService): void {
  /** @param isOfRunning as `StudyService.only` has it */
  const route = (verb: 'stop' | 'resume', summary: string, isOfRunning: boolean) =>
    routes.openapi(
      declared({
        method: 'post',
        path: `/api/studies/{id}/${verb}`,
        summary,
        request: { params: studyParams },
        responses: { 200: json(createStudyResponseSchema) },
      }),
      async (c) => {
        const { id } = studyMeant(studies, c.req.valid('param'), isOfRunning);
        return c.json({ study: await studies[verb](id) }, 200);
      },
    );
  route('stop', 'Stop a study', true);
  route('resume', 'Go on with a study, or measure the rest of one that has succeeded', false);
}

function extendRoute(routes: Routes, studies: StudyService): void {
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/studies/{id}/extend',
      summary: 'Let a study that has ended go on: with more trials, epochs, time or energy, or for other devices, too',
      request: { params: studyParams, body: jsonBody(extendStudyRequestSchema) },
      responses: { 200: json(createStudyResponseSchema) },
    }),
    async (c) => {
      const { id } = studyMeant(studies, c.req.valid('param'));
      return c.json({ study: await studies.extend(id, c.req.valid('json')) }, 200);
    },
  );
}

function deviceRoutes(routes: Routes, studies: StudyService): void {
  /** Of the study that runs, where several have the name. */
  const meant = (params: z.infer<typeof deviceParams>) => studyMeant(studies, params, true).id;
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/studies/{id}/devices/{device}/leave-out',
      summary: 'Go on without a device',
      request: { params: deviceParams },
      responses: { 200: json(studyDetailSchema) },
    }),
    async (c) => {
      const params = c.req.valid('param');
      return c.json(await studies.leaveOut(meant(params), params.device), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/studies/{id}/devices/{device}/replace',
      summary: 'Use another device of the fleet in its place',
      request: { params: deviceParams, body: jsonBody(replaceDeviceRequestSchema) },
      responses: { 200: json(studyDetailSchema) },
    }),
    async (c) => {
      const params = c.req.valid('param');
      const { by } = c.req.valid('json');
      return c.json(await studies.replace(meant(params), params.device, by), 200);
    },
  );
}

/** What has happened in a study, and what came of it. */
function evidenceRoutes(routes: Routes, studies: StudyService): void {
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/studies/{id}/events',
      summary: 'Events of a study, oldest first',
      request: { params: studyParams, query: eventsQuery },
      responses: { 200: json(studyEventsSchema) },
    }),
    (c) => {
      const { after, limit } = c.req.valid('query');
      return c.json({ events: studies.events(studyNamed(studies, c.req.valid('param')).id, after, limit) }, 200);
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/studies/{id}/export',
      summary: 'Models, model cards, recommendation and report',
      request: { params: studyParams },
      responses: { 200: bytes('application/zip', 'The files') },
    }),
    async (c) => {
      const study = studyNamed(studies, c.req.valid('param'));
      const name = `${study.name.replaceAll(/[^\w.-]+/g, '-')}.zip`;
      return c.body(zipFiles(await studies.exportFiles(study.id)), 200, {
        'content-type': 'application/zip',
        'content-disposition': `attachment; filename="${name}"`,
      });
    },
  );
}
