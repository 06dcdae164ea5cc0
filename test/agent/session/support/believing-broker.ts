/** A broker that believes everybody, and notes what is said. */
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { Aedes, type Client } from 'aedes';
import { listen } from '../../../support/listening.ts';

export interface Said {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

/** Notes what clients say to it, and their logins; `command` speaks to the device, `cut` breaks all connections. */
export async function brokerFor(t: TestContext, deviceId: string) {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    broker.handle(socket);
  });
  const port = await listen(t, server);
  // Who is connected goes first, and is heard.
  const guests: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const leave of guests) await leave();
    for (const socket of sockets) socket.destroy();
    broker.close();
  });
  const said: Said[] = [];
  const subscribed: { topic: string; qos: number }[] = [];
  broker.on('subscribe', (subscriptions) =>
    subscribed.push(...subscriptions.map(({ topic, qos }) => ({ topic, qos }))),
  );
  const logins: { id: string; username: string; password: string }[] = [];
  broker.authenticate = (client: Client, username, password, done) => {
    logins.push({ id: client.id, username: String(username), password: String(password) });
    done(null, true);
  };
  broker.on('publish', ({ topic, payload, qos, retain }, client) => {
    if (client) said.push({ topic, payload: String(payload), qos, retain });
  });
  const command = (payload: string) =>
    broker.publish(
      { cmd: 'publish', topic: topics.command(deviceId), payload, qos: 1, retain: false, dup: false },
      () => {},
    );
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const goesFirst = (leave: () => Promise<void>) => void guests.push(leave);
  return { broker, port, goesFirst, said, subscribed, logins, command, cut };
}

export type BrokerUnderTest = Awaited<ReturnType<typeof brokerFor>>;
