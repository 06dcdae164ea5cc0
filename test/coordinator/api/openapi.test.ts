/** The OpenAPI document, and that the API is what it says. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import { type ApiOptions, createApi } from '../../../coordinator/api/create-api.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { PARTS } from '../../../coordinator/parts.ts';
import { ask } from '../../support/ask.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const mediaSchema = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()).optional() }));
const operationSchema = z.object({
  summary: z.string().min(1),
  security: z.array(z.object({})).optional(),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
  requestBody: z.object({ content: mediaSchema }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string().min(1), content: mediaSchema.optional() })),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  security: z.array(z.object({ adminToken: z.array(z.string()) })).length(1),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});

/** Routes are registered without any of the services behind them. */
const app = createApi({
  version: '1.2.3',
  parts: PARTS,
  hostNames: ['localhost'],
  log: plainLogger(() => {}),
} as unknown as ApiOptions);
const served = async () =>
  (await app.request('http://localhost/api/openapi.json', { headers: { host: 'localhost' } })).json();
const operations = async () =>
  Object.entries(documentSchema.parse(await served()).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

async function coordinator(t: TestContext) {
  const config = loadConfig({ dataDir: temporaryFolder(t), port: 0, mqttPort: 0 }, {});
  const started = await startCoordinator({ config, log: plainLogger(() => {}) });
  t.after(() => started.close());
  return (path: string, init: RequestInit = {}) => ask(new URL(path, started.url), init);
}

it('is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(z.record(z.string(), z.unknown()).parse(await served()));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  const ajv = new Ajv2020({ strict: false, logger: false });
  for (const { operation } of await operations())
    for (const { content } of [operation.requestBody ?? {}, ...Object.values(operation.responses)])
      for (const { schema } of Object.values(content ?? {}))
        assert.ok(ajv.validateSchema(schema ?? {}), ajv.errorsText());
});

it('has every route, and no other', async () => {
  const registered = app.routes
    // What is of all methods guards; "/*" is the dashboard.
    .filter(({ method, path }) => method !== 'ALL' && path !== '/*')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const described = (await operations()).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual([...new Set(registered)].sort(), described.sort());
  for (const path of ['/api/tuners/{id}', '/api/studies/{id}/stream', '/api/blobs/{sha256}', '/install/{file}'])
    assert.ok(
      described.some((route) => route.endsWith(` ${path}`)),
      path,
    );
});

it('names which routes are open, what bodies and answers are made of, and all parameters of paths', async () => {
  const all = await operations();
  const open = all.filter(({ operation }) => operation.security?.length === 0).map(({ path }) => path);
  assert.deepEqual(
    [...new Set(open)],
    [
      '/api/health',
      '/api/enroll',
      '/api/enroll/removals/{deviceId}',
      '/api/schemas/study',
      '/api/blobs/{sha256}',
      '/install.sh',
      '/agent.tgz',
      '/install/{file}',
      '/api/openapi.json',
    ],
  );
  const media = (method: string, path: string, status: string) => {
    const found = all.find((each) => each.method === method && each.path === path);
    return Object.keys(found?.operation.responses[status]?.content ?? {});
  };
  assert.deepEqual(media('GET', '/api/studies', '200'), ['application/json']);
  assert.deepEqual(media('GET', '/api/studies/{id}/export', '200'), ['application/zip']);
  assert.deepEqual(media('GET', '/api/studies/{id}/stream', '200'), ['text/event-stream']);
  assert.deepEqual(media('GET', '/api/blobs/{sha256}', '206'), ['application/octet-stream']);
  assert.deepEqual(media('POST', '/api/tuners/{id}', '200'), ['application/jsonl']);
  for (const { path, method, operation } of all) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = (operation.parameters ?? []).filter(({ in: place }) => place === 'path').map(({ name }) => name);
    assert.deepEqual(parameters, named, path);
    assert.deepEqual(media(method, path, 'default'), ['application/json'], 'every route may answer with a problem');
  }
});

it('what it says of a body is asked of it', async (t) => {
  const call = await coordinator(t);
  const wrong = { 'application/json': '{"nobody": "asked"}', 'application/yaml': 'nobody: asked' };
  let tried = 0;
  for (const { path, method, operation } of await operations())
    for (const [type, body] of Object.entries(wrong)) {
      if (!operation.requestBody?.content[type]) continue;
      const answer = await call(path.replaceAll(/\{\w+\}/g, 'none'), {
        method,
        body,
        headers: { 'content-type': type },
      });
      assert.equal(answer.status, 400, `${method} ${path}`);
      const { error, issues } = problemSchema.parse(await answer.json());
      assert.equal(error, 'the request has mistakes', `${method} ${path}`);
      assert.ok(issues && issues.length > 0 && issues.every((issue) => issue.path !== ''), `${method} ${path}`);
      for (const { message } of issues) assert.match(message, /^(is missing: it must be|unknown key) /);
      tried++;
    }
  assert.ok(tried >= 7, `${tried} routes with a body`);
});

it('what it says of a query is asked of it; a path that no route stands for is none', async (t) => {
  const call = await coordinator(t);
  for (const query of ['after=soon', 'limit=5001', 'after=-1']) {
    const answer = await call(`/api/studies/none/events?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(problemSchema.parse(await answer.json()).issues?.[0]?.path, query.split('=')[0]);
  }
  for (const path of ['/api/blobs/no-sum', '/install/agent-linux-x64', '/install/x.tgz.sha256']) {
    const answer = await call(path);
    assert.equal(answer.status, 404, path);
    assert.equal(problemSchema.parse(await answer.json()).error, `there is no GET ${path}`);
  }
});

it('answers are as it says', async (t) => {
  const call = await coordinator(t);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const send = (path: string, body: object) => call(path, { method: 'POST', body: JSON.stringify(body) });
  assert.equal((await send('/api/devices', { name: 'pi' })).status, 201);
  const space = { training: { rate: { type: 'float', min: 0.1, max: 1 } } };
  const created = await send('/api/tuners', { space, objectives: ['minimize regret'] });
  const { id } = z.object({ id: z.string() }).parse(await created.json());
  let compared = 0;
  for (const { path, method, operation } of await operations()) {
    const schema = operation.responses[200]?.content?.['application/json']?.schema;
    if (method !== 'GET' || schema === undefined) continue;
    const answer = await call(path.replace('/api/tuners/{id}', `/api/tuners/${id}`));
    if (answer.status !== 200) {
      // Of something that is not there; what a device asks with its own credential; what needs a path of data.
      assert.match(path, /\{(id|deviceId)\}|^\/api\/enroll$|^\/api\/datasets\/check$/);
      continue;
    }
    const body = await answer.json();
    assert.ok(ajv.validate(schema, body), `${path}: ${ajv.errorsText()}`);
    compared++;
  }
  assert.ok(compared >= 8, `${compared} answers were compared`);
});

it('a body is read as JSON whatever it is called, and anything else is refused in words', async (t) => {
  const call = await coordinator(t);
  const add = (body: string, type: string) =>
    call('/api/devices', { method: 'POST', body, headers: { 'content-type': type } });
  assert.equal((await add('{"name":"by-curl"}', 'application/x-www-form-urlencoded')).status, 201);
  assert.equal((await call('/api/devices', { method: 'POST', body: Buffer.from('{"name":"bare"}') })).status, 201);
  for (const answer of [await add('name=pi', 'application/json'), await call('/api/devices', { method: 'POST' })]) {
    assert.equal(answer.status, 400);
    assert.equal(problemSchema.parse(await answer.json()).error, 'the body of the request is not JSON');
  }
});
