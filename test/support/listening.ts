/** A server of a test, on a free port of this machine until the test ends. */
import type { Server } from 'node:net';
import type { TestContext } from 'node:test';
import { event } from './waiting.ts';

/** @returns the port */
export async function listen(t: TestContext, server: Server): Promise<number> {
  const listening = event('a server to listen', server, 'listening');
  server.listen(0, '127.0.0.1');
  await listening;
  t.after(() => {
    (server as { closeAllConnections?(): void }).closeAllConnections?.();
    server.close();
  });
  return (server.address() as { port: number }).port;
}
