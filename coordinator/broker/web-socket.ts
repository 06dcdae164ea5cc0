/** MQTT over WebSocket under /mqtt, on the port of an HTTP server. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';

export interface WebSocketMqtt {
  attach(server: HttpServer): void;
  close(): void;
}

export function mqttOverWebSocket(
  maxPayload: number,
  accept: (socket: Duplex, request: IncomingMessage) => void,
): WebSocketMqtt {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
  });
  return {
    attach(server) {
      server.on('upgrade', (request, socket, head) => {
        // Until it is a WebSocket nobody else listens: a client that breaks it off would end the process.
        socket.on('error', () => socket.destroy());
        if (request.url?.split('?')[0] !== '/mqtt') {
          if (server.listenerCount('upgrade') === 1) socket.destroy();
          return;
        }
        // Only pages send an Origin, and no page has business here.
        if (request.headers.origin !== undefined) {
          socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
          return;
        }
        webSockets.handleUpgrade(request, socket, head, (webSocket) =>
          accept(createWebSocketStream(webSocket), request),
        );
      });
    },
    close: () => webSockets.close(),
  };
}
