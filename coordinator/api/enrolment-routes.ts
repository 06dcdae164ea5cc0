/** What boards ask themselves: to join, as whom they know this coordinator, to leave. */
import { deviceIdSchema } from '@edgetune/shared/domain/device.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { enrollRequestSchema, enrollResponseSchema } from '@edgetune/shared/protocol/http.ts';
import { identityAnswerSchema, removalAnswerSchema } from '@edgetune/shared/protocol/signed.ts';
import { z } from 'zod';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetAdmin } from '../fleet/fleet-admin.ts';
import type { FleetIdentity } from '../fleet/fleet-identity.ts';
import { deviceOf } from './guard.ts';
import type { JoinOptions } from './join-command.ts';
import { HttpProblem } from './problem.ts';
import { declared, json, jsonBody, NOTHING, type Routes } from './routes.ts';

export interface EnrolmentRoutesOptions extends JoinOptions {
  fleet: Fleet & FleetAdmin;
  /** As whom boards know this coordinator. */
  identity: Pick<FleetIdentity, 'coordinator' | 'succession'>;
  log: Logger;
}

export function enrolmentRoutes(routes: Routes, options: EnrolmentRoutesOptions): void {
  const { fleet, log } = options;
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/enroll',
      summary: 'An agent trades a join token for a credential',
      request: { body: jsonBody(enrollRequestSchema) },
      responses: { 200: json(enrollResponseSchema) },
    }),
    async (c) => {
      const enrolment = await fleet.enroll(c.req.valid('json'));
      return c.json({ ...enrolment, ...options.brokerFor(c.req.header('host') ?? '') }, 200);
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/enroll',
      summary: 'As whom a device knows this coordinator, asked with its own credential',
      responses: { 200: json(identityAnswerSchema) },
    }),
    (c) => {
      if (deviceOf(c.req.header('authorization'), fleet) === null)
        throw new HttpProblem(401, 'this coordinator knows no device with this credential');
      const { coordinator, succession } = options.identity;
      return c.json({ coordinator, succession }, 200);
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/enroll/removals/{deviceId}',
      summary: 'That a device was removed here, signed: asked by a board that the broker does not let in any more',
      request: { params: z.object({ deviceId: deviceIdSchema }) },
      responses: { 200: json(removalAnswerSchema) },
    }),
    (c) => {
      const { deviceId } = c.req.valid('param');
      const proof = fleet.proofOfRemoval(deviceId);
      if (!proof) throw new HttpProblem(404, `this coordinator has removed no device ${deviceId}`);
      return c.json({ proof }, 200);
    },
  );
  routes.openapi(
    declared({
      method: 'delete',
      path: '/api/enroll',
      summary: 'A device leaves the fleet, with its own credential ("Authorization: Bearer DEVICE-ID:CREDENTIAL")',
      responses: { 204: NOTHING },
    }),
    async (c) => {
      const id = deviceOf(c.req.header('authorization'), fleet);
      const device = fleet.devices().find((each) => each.id === id);
      if (!device) throw new HttpProblem(401, 'a device leaves with its own credential');
      log.info(`${device.name} has left the fleet`, { deviceId: device.id });
      await fleet.remove(device.name);
      return c.body(null, 204);
    },
  );
}
