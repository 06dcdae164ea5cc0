/**
 * How the agent that runs in a data directory answers on its own board: over a Unix socket in that directory, so that
 * nothing is written to the board's card for it, and no socket means no agent.
 */
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export const localStatusSchema = z.object({
  pid: z.int().positive(),
  version: z.string(),
  startedAt: z.string(),
  /** Whether the coordinator is connected now. */
  connected: z.boolean(),
  /** Jobs that were accepted and are not finished, the one that runs first. */
  jobs: z.array(z.string()),
});
export type LocalStatus = z.infer<typeof localStatusSchema>;

const requestSchema = z.enum(['status', 'stop']);

const socketOf = (dataDirectory: string) => join(dataDirectory, 'agent.sock');

/** Answers in this data directory until it is closed. @throws {Error} where the socket cannot be made */
export async function serveLocalStatus(
  dataDirectory: string,
  { status, stop }: { status(): LocalStatus; stop(): void },
): Promise<{ close(): void }> {
  const path = socketOf(dataDirectory);
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      const request = requestSchema.safeParse(data.toString('utf8').trim());
      socket.end(request.success ? JSON.stringify(status()) : '');
      if (request.data === 'stop') stop();
    });
  });
  // What an agent that was killed has left.
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  server.unref();
  return { close: () => void server.close() };
}

/** What the agent that runs in this data directory says; null: none runs. */
export function localStatus(dataDirectory: string): Promise<LocalStatus | null> {
  return ask(dataDirectory, 'status');
}

/** Ends the agent that runs in this data directory, where one does; resolves when its socket is gone. */
export async function stopLocalAgent(dataDirectory: string): Promise<void> {
  if (!(await ask(dataDirectory, 'stop'))) return;
  for (let running = true; running; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    running = (await ask(dataDirectory, 'status')) !== null;
  }
}

async function ask(dataDirectory: string, request: z.infer<typeof requestSchema>): Promise<LocalStatus | null> {
  const socket = connect(socketOf(dataDirectory));
  socket.write(`${request}\n`);
  try {
    return localStatusSchema.parse(JSON.parse(await text(socket)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES')
      throw new Error(`${dataDirectory} belongs to another user: put sudo before the command`);
    return null;
  }
}
