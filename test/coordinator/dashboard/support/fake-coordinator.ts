/** The coordinator's HTTP API with answers from memory, and the dashboard's files under the real content policy. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DatasetReport } from '@edgetune/shared/domain/dataset-report.ts';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { SetAsideStudy, StrangerView, StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { event } from '../../../support/waiting.ts';
import { pendingDevice, STUDY_PARTS, summaryOf } from './sample-data.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const CONTENT_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'";

export interface FakeCoordinator {
  url: string;
  devices: DeviceView[];
  strangers: StrangerView[];
  studies: StudyDetail[];
  setAside: SetAsideStudy[];
  /** What is found when data are looked at; null: nothing is there. */
  dataset: DatasetReport | null;
  /** "METHOD /path body" of everything that changed something. */
  requests: string[];
  adminToken: string | null;
  /** Reads of one study's detail so far. */
  detailReads: number;
  /** Sends an event to all who follow a stream: `/api/stream` or a study's. */
  push(path: string, data: unknown, id?: number): void;
  close(): Promise<void>;
}

export async function startFakeCoordinator(dashboardDirectory: string): Promise<FakeCoordinator> {
  const streams = new Map<ServerResponse, string>();
  const fake: FakeCoordinator = {
    url: '',
    devices: [],
    strangers: [],
    studies: [],
    setAside: [],
    dataset: null,
    requests: [],
    adminToken: null,
    detailReads: 0,
    push(path, data, id) {
      for (const [response, followed] of streams)
        if (followed === path)
          response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
    },
    async close() {
      const closed = event('the fake coordinator to close', server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  const server = createServer((request, response) => {
    void answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://coordinator');
    const method = request.method ?? 'GET';
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (!pathname.startsWith('/api/')) return sendFile(pathname, response);
    if (fake.adminToken !== null && request.headers.authorization !== `Bearer ${fake.adminToken}`)
      return void json(401, { error: 'the admin token is missing or wrong' });
    const body = await text(request);
    if (method !== 'GET') fake.requests.push(`${method} ${pathname} ${body}`.trim());
    const [, , kind, name = '', action] = pathname.split('/');
    const device = fake.devices.find((other) => other.name === name);
    const study = fake.studies.find(({ id }) => id === name);
    if (pathname.endsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
      streams.set(response, pathname);
      response.on('close', () => streams.delete(response));
    } else if (kind === 'datasets') {
      if (fake.dataset) json(200, fake.dataset);
      else json(400, { error: `${(JSON.parse(body) as { dataset: { path: string } }).dataset.path} does not exist` });
    } else if (kind === 'workloads') {
      json(200, STUDY_PARTS);
    } else if (kind === 'blobs' || action === 'export') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(`content of ${pathname}`);
    } else if (kind === 'devices' && method === 'GET') {
      json(200, { devices: fake.devices, strangers: fake.strangers });
    } else if (kind === 'devices' && method === 'POST') {
      const added = pendingDevice((JSON.parse(body) as { name: string }).name);
      fake.devices.push(added);
      const command = `npx --yes ${fake.url}/agent.tgz run --server ${fake.url} --token secret`;
      json(201, {
        device: added,
        token: 'secret',
        expiresAt: added.addedAt,
        installCommand: `curl -fsSL ${fake.url}/install.sh | sudo sh -s -- --name ${added.name} --token secret`,
        command,
        localCommand: `${command} --simulate raspberry-pi-5`,
      });
    } else if (kind === 'devices' && device && method === 'PATCH') {
      device.name = (JSON.parse(body) as { name: string }).name;
      json(200, device);
    } else if (kind === 'studies' && method === 'DELETE') {
      fake.setAside = fake.setAside.filter(({ id }) => id !== name);
      response.writeHead(204).end();
    } else if (kind === 'devices' && device && method === 'DELETE') {
      fake.devices.splice(fake.devices.indexOf(device), 1);
      response.writeHead(204).end();
    } else if (kind === 'studies' && name === '' && method === 'GET') {
      json(200, { studies: fake.studies.map(summaryOf), setAside: fake.setAside });
    } else if (kind === 'studies' && name === '' && method === 'POST') {
      const { yaml } = JSON.parse(body) as { yaml: string };
      const line = yaml.split('\n').findIndex((other) => other.includes('parsecs')) + 1;
      const issue = { path: 'constraints.0', message: '"50 parsecs" is not a time', line, column: 5 };
      if (line > 0) json(400, { error: 'the study has a mistake', issues: [issue] });
      else json(201, { study: summaryOf(fake.studies[0] as StudyDetail) });
    } else if (study && method === 'GET') {
      fake.detailReads += 1;
      json(200, study);
    } else if (study && method === 'POST') {
      study.state = action === 'stop' ? 'stopped' : 'running';
      json(200, { study: summaryOf(study) });
    } else json(404, { error: `there is no ${method} ${pathname}` });
  }

  function sendFile(pathname: string, response: ServerResponse): void {
    const path = join(dashboardDirectory, pathname === '/' ? 'index.html' : pathname);
    if (!existsSync(path)) return void response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response
      .writeHead(200, { 'content-type': type, 'content-security-policy': CONTENT_POLICY })
      .end(readFileSync(path));
  }

  const listening = event('the fake coordinator to listen', server, 'listening');
  server.listen(0, '127.0.0.1');
  await listening;
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}
