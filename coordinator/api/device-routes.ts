/** Routes of the fleet: boards join and leave, people add, rename and remove them. */
import { deviceViewSchema } from '@edgetune/shared/domain/device.ts';
import {
  addDeviceRequestSchema,
  addDeviceResponseSchema,
  deviceListSchema,
  renameDeviceRequestSchema,
} from '@edgetune/shared/protocol/http.ts';
import { z } from 'zod';
import { type EnrolmentRoutesOptions, enrolmentRoutes } from './enrolment-routes.ts';
import { joinCommands } from './join-command.ts';
import { declared, json, jsonBody, NOTHING, type Routes } from './routes.ts';

const params = z.object({ name: z.string() });

export type DeviceRoutesOptions = EnrolmentRoutesOptions;

export function deviceRoutes(routes: Routes, options: DeviceRoutesOptions): void {
  const { fleet } = options;
  enrolmentRoutes(routes, options);
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/devices',
      summary: 'The fleet',
      responses: { 200: json(deviceListSchema) },
    }),
    (c) => c.json({ devices: fleet.devices(), strangers: fleet.strangers() }, 200),
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/devices',
      summary: 'Add a device by name',
      request: { body: jsonBody(addDeviceRequestSchema) },
      responses: { 201: json(addDeviceResponseSchema) },
    }),
    async (c) => {
      const { name } = c.req.valid('json');
      const added = await fleet.addDevice(name);
      return c.json({ ...added, ...joinCommands(options, c.req.header('host') ?? '', name, added.token) }, 201);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/devices/{name}/token',
      summary: 'A new join token for a device',
      request: { params },
      responses: { 201: json(addDeviceResponseSchema) },
    }),
    async (c) => {
      const { name } = c.req.valid('param');
      const added = await fleet.renewToken(name);
      return c.json({ ...added, ...joinCommands(options, c.req.header('host') ?? '', name, added.token) }, 201);
    },
  );
  routes.openapi(
    declared({
      method: 'patch',
      path: '/api/devices/{name}',
      summary: 'Rename a device',
      request: { params, body: jsonBody(renameDeviceRequestSchema) },
      responses: { 200: json(deviceViewSchema) },
    }),
    async (c) => c.json(await fleet.rename(c.req.valid('param').name, c.req.valid('json').name), 200),
  );
  routes.openapi(
    declared({
      method: 'delete',
      path: '/api/devices/{name}',
      summary: 'Remove a device',
      request: { params },
      responses: { 204: NOTHING },
    }),
    async (c) => {
      await fleet.remove(c.req.valid('param').name);
      return c.body(null, 204);
    },
  );
}
