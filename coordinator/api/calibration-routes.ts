/** Routes of `edgetune device calibrate`: bodies as in shared/protocol/calibration.ts. */
import {
  type CalibrationView,
  calibrationRequestSchema,
  calibrationViewSchema,
} from '@edgetune/shared/protocol/calibration.ts';
import { z } from 'zod';
import type { CalibrationService } from '../bench/create-calibration-service.ts';
import { HttpProblem } from './problem.ts';
import { declared, json, jsonBody, type Routes } from './routes.ts';

const params = z.object({ id: z.string() });

export function calibrationRoutes(routes: Routes, { calibrations }: { calibrations: CalibrationService }): void {
  const found = (view: CalibrationView | null, id: string): CalibrationView => {
    if (view) return view;
    throw new HttpProblem(
      404,
      `there is no calibration "${id}"`,
      'they are kept until the coordinator ends: start again',
    );
  };
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/calibrations',
      summary: 'Fit a board profile to a device',
      request: { body: jsonBody(calibrationRequestSchema) },
      responses: { 201: json(calibrationViewSchema) },
    }),
    async (c) => c.json(await calibrations.start(c.req.valid('json')), 201),
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/calibrations/{id}',
      summary: 'A calibration: what was measured, the fitted profile',
      request: { params },
      responses: { 200: json(calibrationViewSchema) },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      return c.json(found(calibrations.find(id), id), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/calibrations/{id}/cancel',
      summary: 'Cancel a calibration',
      request: { params },
      responses: { 200: json(calibrationViewSchema) },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      return c.json(found(calibrations.cancel(id), id), 200);
    },
  );
}
