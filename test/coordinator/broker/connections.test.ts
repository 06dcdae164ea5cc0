/** The broker's connections over streams in memory: how many, how large their frames, and how they end. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import type { Client } from 'aedes';
import { Connections } from '../../../coordinator/broker/connections.ts';
import { FrameLimitedStream, MAX_FRAME_BYTES_BEFORE_LOGIN } from '../../../coordinator/broker/frame-limit.ts';
import { turn } from '../../support/waiting.ts';

/** One end of a connection, and what was done to it. */
class Wire extends Duplex {
  remoteAddress: string | undefined;
  readonly written: Buffer[] = [];
  writes = 0;
  hasEnded = false;
  constructor(remoteAddress?: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  override _read() {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void) {
    this.writes++;
    this.written.push(chunk);
    done();
  }
  override _final(done: () => void) {
    this.hasEnded = true;
    done();
  }
}

/** A frame that declares so many bytes after its header (MQTT 3.1.1 §2.2.3). */
function frame(bodyBytes: number): Buffer {
  const header = [0x30];
  for (let rest = bodyBytes; ; rest = Math.floor(rest / 128)) {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bodyBytes)]);
}

function connections(max = 1000, strangersPerAddress = 256) {
  const log: string[] = [];
  const handled: { stream: Duplex; request: IncomingMessage | undefined }[] = [];
  const all = new Connections({
    max,
    strangersPerAddress,
    handle: (stream, request) => handled.push({ stream: stream.on('error', () => {}), request }),
    log: plainLogger((line) => log.push(line)),
  });
  const accept = (wire = new Wire('10.0.0.1'), request?: IncomingMessage) => {
    const leave = request ? null : all.admit(wire as unknown as Socket);
    if (request) all.acceptWebSocket(wire, request);
    else if (leave) all.accept(wire, leave);
    return wire;
  };
  /** As aedes has it: the client beside its stream. */
  const clientOf = (index: number, id = 'd-000000000001') => {
    const stream = handled[index]?.stream as Duplex;
    const client = { id, conn: stream } as unknown as Client;
    Object.assign(stream, { client });
    return client;
  };
  return { all, log, handled, accept, clientOf };
}

describe('connections', () => {
  it('are limited in number, all and those not logged in; who goes makes room', async () => {
    const { accept, handled, log, clientOf, all } = connections(2);
    const [first] = [accept(), accept()];
    all.loggedIn(clientOf(1));
    const third = accept();
    assert.deepEqual([handled.length, third.destroyed, first?.destroyed], [2, true, false]);
    assert.deepEqual(log, ['broker: refused a connection: 2 are open']);
    first?.destroy();
    await turn();
    assert.equal(accept().destroyed, false);
    assert.equal(handled.length, 3);
  });

  it('of strangers are 256 at most, however many may be open; who logs in is none any more', () => {
    const { accept, handled, log, clientOf, all } = connections();
    for (let count = 0; count < 256; count++) accept();
    assert.equal(accept().destroyed, true);
    assert.match(log.join(), /refused a connection of 10\.0\.0\.1: 256 of it have not logged in/);
    all.loggedIn(clientOf(7));
    assert.equal(accept().destroyed, false);
    assert.equal(handled.length, 257);
  });

  it('are known by their address, over HTTP by that of the request', () => {
    const { accept, clientOf, all } = connections();
    accept(new Wire('10.0.0.7'));
    accept(new Wire('10.0.0.8'), { socket: { remoteAddress: '10.0.0.9' } } as IncomingMessage);
    accept(new Wire(undefined));
    assert.deepEqual(
      [0, 1, 2].map((index) => all.addressOf(clientOf(index))),
      ['10.0.0.7', '10.0.0.9', 'unknown'],
    );
    assert.equal(all.addressOf({ conn: {} } as Client), 'unknown');
  });

  it('take small frames of strangers, and messages of who is logged in', async () => {
    const { accept, handled, clientOf, all } = connections();
    const [stranger, known] = [accept(), accept()];
    all.loggedIn(clientOf(1));
    for (const { stream } of handled) stream.resume();
    for (const wire of [stranger, known]) wire.push(frame(MAX_FRAME_BYTES_BEFORE_LOGIN));
    await turn();
    assert.deepEqual([stranger.destroyed, known.destroyed], [false, false]);
    for (const wire of [stranger, known]) wire.push(frame(MAX_MESSAGE_BYTES + 1024));
    await turn();
    assert.deepEqual([stranger.destroyed, known.destroyed], [true, false]);
    known.push(frame(MAX_MESSAGE_BYTES + 1025));
    await turn();
    assert.equal(known.destroyed, true);
  });

  it('of one device are ended a second later, not before, and no other', (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { accept, clientOf, all } = connections();
    const [mine, other, later] = [accept(), accept(), accept()];
    clientOf(0);
    clientOf(1, 'd-000000000002');
    all.disconnect('d-000000000001');
    clientOf(2);
    t.mock.timers.tick(999);
    assert.equal(mine.destroyed, false);
    t.mock.timers.tick(1);
    assert.deepEqual([mine.destroyed, other.destroyed, later.destroyed], [true, false, false]);
  });

  it('end with the broker, and with them what was to be done', (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { accept, clientOf, all, handled } = connections();
    const wires = [accept(), accept()];
    clientOf(0);
    let destroyed = 0;
    handled[0]?.stream.on('close', () => destroyed++);
    all.disconnect('d-000000000001');
    all.close();
    assert.deepEqual(
      wires.map((wire) => wire.destroyed),
      [true, true],
    );
    t.mock.timers.tick(10_000);
  });

  it('do not keep the process alive once they are closed', () => {
    const { accept, clientOf, all } = connections();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    accept();
    clientOf(0);
    const before = timers();
    all.disconnect('d-000000000001');
    assert.equal(timers(), before + 1);
    all.close();
    assert.equal(timers(), before);
  });
});

describe('a limited stream', () => {
  it('passes both ways, several pieces in one write, and the end', async () => {
    const wire = new Wire();
    const stream = new FrameLimitedStream(wire);
    const read: Buffer[] = [];
    stream.on('data', (chunk) => read.push(chunk));
    wire.push(frame(3));
    await turn();
    assert.deepEqual(Buffer.concat(read), frame(3));
    stream.cork();
    for (const piece of ['one ', 'two ', 'three']) stream.write(piece);
    stream.uncork();
    await turn();
    assert.deepEqual([wire.writes, String(Buffer.concat(wire.written))], [1, 'one two three']);
    stream.write('alone');
    await turn();
    assert.equal(String(wire.written[1]), 'alone');
    stream.end();
    await turn();
    assert.equal(wire.hasEnded, true);
  });

  it('ends when the other side does, by itself or by a fault', async () => {
    const ended = new Wire();
    const stream = new FrameLimitedStream(ended).resume();
    let sawEnd = false;
    stream.on('end', () => {
      sawEnd = true;
    });
    ended.push(null);
    await turn();
    assert.equal(sawEnd, true);
    const broken = new Wire();
    const errors: string[] = [];
    const other = new FrameLimitedStream(broken).on('error', ({ message }) => errors.push(message));
    broken.destroy(new Error('the cable was cut'));
    await turn();
    assert.deepEqual([errors, other.destroyed], [['the cable was cut'], true]);
    const gone = new Wire();
    const last = new FrameLimitedStream(gone);
    gone.destroy();
    await turn();
    assert.equal(last.destroyed, true);
  });

  it('takes no more than is read', async () => {
    const wire = new Wire();
    const stream = new FrameLimitedStream(wire);
    stream.allow(1e6);
    wire.push(frame(100_000));
    await turn();
    assert.equal(wire.isPaused(), true);
    stream.resume();
    await turn();
    assert.equal(wire.isPaused(), false);
  });

  it('is broken off at a frame that is too long, with how long it would have been', async () => {
    const wire = new Wire();
    const errors: string[] = [];
    const read: Buffer[] = [];
    const stream = new FrameLimitedStream(wire).on('error', ({ message }) => errors.push(message));
    stream.on('data', (chunk) => read.push(chunk));
    wire.push(frame(MAX_FRAME_BYTES_BEFORE_LOGIN + 1).subarray(0, 10));
    await turn();
    assert.deepEqual(errors, ['a frame of 4097 bytes or more was declared; at most 4096 are allowed here']);
    assert.deepEqual([read, wire.destroyed], [[], true]);
  });
});
