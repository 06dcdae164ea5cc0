/** The HTTP API and the dashboard. Bodies are described, and parsed, by shared/protocol/http.ts. */
import {
  addDeviceRequestSchema,
  createStudyRequestSchema,
  enrollRequestSchema,
  renameDeviceRequestSchema,
  type StudyDetail,
} from '@edgetune/shared/protocol/http.ts';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import type { TunerService } from '../ask-tell/tuner-service.ts';
import type { BenchService } from '../bench/create-bench-service.ts';
import type { CalibrationService } from '../bench/create-calibration-service.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetAdmin } from '../fleet/fleet-admin.ts';
import type { BlobStore } from '../study/context/blob-store.ts';
import type { StudyService } from '../study/study-service.ts';
import { benchRoutes } from './bench-routes.ts';
import { blobRoutes } from './blobs.ts';
import { calibrationRoutes } from './calibration-routes.ts';
import { deviceOf, type GuardOptions, guard } from './guard.ts';
import { type InstallOptions, installRoutes } from './install-routes.ts';
import { joinCommands } from './join-command.ts';
import { answerNotFound } from './not-found.ts';
import { openApiDocument } from './openapi.ts';
import { answerProblem, HttpProblem, readJson } from './problem.ts';
import { serveDashboard } from './static-files.ts';
import { overviewStream, studyStream } from './streams.ts';
import { tunerRoutes } from './tuner-routes.ts';
import { zipFiles } from './zip-files.ts';

export interface ApiOptions extends GuardOptions, InstallOptions {
  version: string;
  fleet: Fleet & FleetAdmin;
  studies: StudyService;
  bench: BenchService;
  tuners: TunerService;
  calibrations: CalibrationService;
  blobs: BlobStore;
  /** Folder of the built dashboard. */
  dashboardDirectory: string;
  /** The packed agent, where it was built. */
  agentTarball: string;
  log: (message: string) => void;
}

const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** A model is sent as it is; no model larger than this runs on the boards that this is for. */
const MAX_MODEL_BYTES = 512 * 1024 * 1024;

export function createApi(options: ApiOptions): Hono {
  const { fleet, studies, log } = options;
  const app = new Hono();
  app.onError((error, context) => answerProblem(error, context, log));
  app.notFound((context) => answerNotFound(app, context));
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      // Without TLS the header would lock browsers out, as it would with a certificate that they do not know.
      strictTransportSecurity: false,
    }),
  );
  app.use(guard(options));
  const limit = (maxSize: number) =>
    bodyLimit({
      maxSize,
      onError: () => Promise.reject(new HttpProblem(413, `the request is larger than ${maxSize} bytes`)),
    });
  const [limitModel, limitBody] = [limit(MAX_MODEL_BYTES), limit(MAX_BODY_BYTES)];
  app.use('/api/*', (c, next) => (c.req.path === '/api/bench/models' ? limitModel : limitBody)(c, next));

  app.get('/api/health', (c) =>
    c.json({
      status: 'ok',
      version: options.version,
      authentication: options.adminToken === undefined ? 'none' : 'token',
    }),
  );
  app.get('/api/openapi.json', (c) => c.json(openApiDocument(options.version)));

  app.post('/api/enroll', async (c) => {
    const enrolment = fleet.enroll(enrollRequestSchema.parse(await readJson(c)));
    return c.json({ ...enrolment, ...options.brokerFor(c.req.header('host') ?? '') });
  });
  app.delete('/api/enroll', async (c) => {
    const id = deviceOf(c.req.header('authorization'), fleet);
    const device = fleet.devices().find((each) => each.id === id);
    if (!device) throw new HttpProblem(401, 'a device leaves with its own credential');
    log(`${device.name} has left the fleet`);
    await fleet.remove(device.name);
    return c.body(null, 204);
  });
  app.get('/api/devices', (c) => c.json({ devices: fleet.devices() }));
  app.post('/api/devices', async (c) => {
    const { name } = addDeviceRequestSchema.parse(await readJson(c));
    const added = fleet.addDevice(name);
    return c.json({ ...added, ...joinCommands(options, c.req.header('host') ?? '', name, added.token) }, 201);
  });
  app.post('/api/devices/:name/token', (c) => {
    const { name } = c.req.param();
    const added = fleet.renewToken(name);
    return c.json({ ...added, ...joinCommands(options, c.req.header('host') ?? '', name, added.token) }, 201);
  });
  app.patch('/api/devices/:name', async (c) => {
    const { name } = renameDeviceRequestSchema.parse(await readJson(c));
    return c.json(fleet.rename(c.req.param('name'), name));
  });
  app.delete('/api/devices/:name', async (c) => {
    await fleet.remove(c.req.param('name'));
    return c.body(null, 204);
  });

  app.get('/api/workloads', (c) => c.json({ workloads: studies.workloads() }));
  app.get('/api/studies', (c) => c.json({ studies: studies.list() }));
  app.post('/api/studies', async (c) => {
    const { yaml } = createStudyRequestSchema.parse(await readJson(c));
    return c.json({ study: await studies.create(yaml) }, 201);
  });
  const found = (c: Context): StudyDetail => {
    const id = c.req.param('id') ?? '';
    const study = studies.find(id);
    if (!study) throw new HttpProblem(404, `there is no study "${id}"`, 'GET /api/studies lists them');
    return study;
  };
  app.get('/api/studies/:id', (c) => c.json(found(c)));
  app.post('/api/studies/:id/stop', async (c) => c.json({ study: await studies.stop(found(c).id) }));
  app.post('/api/studies/:id/resume', async (c) => c.json({ study: await studies.resume(found(c).id) }));
  app.delete('/api/studies/:id', async (c) => {
    await studies.remove(found(c).id);
    return c.body(null, 204);
  });
  app.get('/api/studies/:id/events', (c) => {
    const number = (name: string, otherwise: number) => Math.max(0, Number(c.req.query(name) ?? otherwise) || 0);
    return c.json({ events: studies.events(found(c).id, number('after', 0), Math.min(5000, number('limit', 1000))) });
  });
  app.get('/api/studies/:id/stream', (c) => studyStream(c, studies, found(c).id));
  app.get('/api/studies/:id/export', async (c) => {
    const study = found(c);
    const name = `${study.name.replaceAll(/[^\w.-]+/g, '-')}.zip`;
    return c.body(zipFiles(await studies.exportFiles(study.id)), 200, {
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="${name}"`,
    });
  });
  app.get('/api/stream', (c) => overviewStream(c, fleet, studies));

  app.route('/api/bench', benchRoutes(options));
  app.route('/api/tuners', tunerRoutes(options));
  app.route('/api/calibrations', calibrationRoutes(options));
  app.route('/api/blobs', blobRoutes(options));
  app.route('/', installRoutes(options));
  serveDashboard(app, options);
  return app;
}
