/** Routes of `edgetune device calibrate`: bodies as in shared/protocol/calibration.ts. */
import { type CalibrationView, calibrationRequestSchema } from '@edgetune/shared/protocol/calibration.ts';
import { Hono } from 'hono';
import type { CalibrationService } from '../bench/create-calibration-service.ts';
import { HttpProblem, orRefuse, readJson } from './problem.ts';

export function calibrationRoutes({ calibrations }: { calibrations: CalibrationService }): Hono {
  const routes = new Hono();
  const found = (view: CalibrationView | null, id: string): CalibrationView => {
    if (view) return view;
    throw new HttpProblem(
      404,
      `there is no calibration "${id}"`,
      'they are kept until the coordinator ends: start again',
    );
  };
  routes.post('/', async (c) => {
    const request = calibrationRequestSchema.parse(await readJson(c));
    return c.json(await orRefuse(calibrations.start(request)), 201);
  });
  routes.get('/:id', (c) => c.json(found(calibrations.find(c.req.param('id')), c.req.param('id'))));
  routes.post('/:id/cancel', (c) => c.json(found(calibrations.cancel(c.req.param('id')), c.req.param('id'))));
  return routes;
}
