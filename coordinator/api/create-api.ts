/** The HTTP API and the dashboard. Bodies are described, and parsed, by shared/protocol/http.ts. */

import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { healthSchema } from '@edgetune/shared/protocol/http.ts';
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import type { BlankEnv } from 'hono/types';
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
import { type DatasetRoutesOptions, datasetRoutes } from './dataset-routes.ts';
import { type DeviceRoutesOptions, deviceRoutes } from './device-routes.ts';
import { type GuardOptions, guard } from './guard.ts';
import { type InstallOptions, installRoutes } from './install-routes.ts';
import { answerNotFound } from './not-found.ts';
import { serveOpenApi } from './openapi.ts';
import { answerProblem, HttpProblem, MistakenRequest } from './problem.ts';
import { declared, json } from './routes.ts';
import { schemaRoutes } from './schema-routes.ts';
import { serveDashboard } from './static-files.ts';
import { streamRoutes } from './streams.ts';
import { studyRoutes } from './study-routes.ts';
import { tunerRoutes } from './tuner-routes.ts';

export interface ApiOptions
  extends GuardOptions,
    InstallOptions,
    Pick<DeviceRoutesOptions, 'identity'>,
    Pick<DatasetRoutesOptions, 'lookAtDataset'> {
  version: string;
  /** What studies and tuners may name. */
  parts: StudyParts;
  fleet: Fleet & FleetAdmin;
  studies: StudyService;
  bench: BenchService;
  tuners: TunerService;
  calibrations: CalibrationService;
  blobs: BlobStore;
  /** Folder of the built dashboard. */
  dashboardDirectory: string;
  log: Logger;
}

const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** A model is sent as it is; no model larger than this runs on the boards that this is for. */
const MAX_MODEL_BYTES = 512 * 1024 * 1024;

export function createApi(options: ApiOptions): OpenAPIHono<BlankEnv> {
  const app = new OpenAPIHono<BlankEnv>({
    defaultHook: (parsed, context) => {
      if (parsed.success) return;
      // A path that is none of those that a route stands for leads nowhere.
      if (parsed.target === 'param') return answerNotFound(app, context);
      throw new MistakenRequest(parsed.error);
    },
  });
  app.onError((error, context) => answerProblem(error, context, options.log));
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

  app.openapi(
    declared({
      method: 'get',
      path: '/api/health',
      summary: 'Is the coordinator there?',
      responses: { 200: json(healthSchema) },
    }),
    (c) => {
      const authentication = options.adminToken === undefined ? 'none' : 'token';
      const coordinator = options.identity.coordinator.id;
      return c.json({ status: 'ok', version: options.version, authentication, coordinator } as const, 200);
    },
  );
  deviceRoutes(app, options);
  studyRoutes(app, options);
  datasetRoutes(app, options);
  schemaRoutes(app, options);
  streamRoutes(app, options);
  benchRoutes(app, options);
  tunerRoutes(app, options);
  calibrationRoutes(app, options);
  blobRoutes(app, options);
  installRoutes(app, options);
  serveOpenApi(app, options.version);
  serveDashboard(app, options);
  return app;
}
