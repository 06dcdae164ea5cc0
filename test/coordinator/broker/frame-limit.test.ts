import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameScanner, MAX_FRAME_BYTES_BEFORE_LOGIN } from '../../../coordinator/broker/frame-limit.ts';

/** An MQTT frame: a byte of type, the length as MQTT 3.1.1 §2.2.3 writes it, so many bytes. */
function frame(bodyBytes: number): Uint8Array {
  const header = [0x30];
  let rest = bodyBytes;
  do {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from([...header, ...new Uint8Array(bodyBytes).fill(0xff)]);
}

test('frames pass or fail by their length, however the stream is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
      (lengths, cuts) => {
        const stream = Buffer.concat(lengths.map(frame));
        const scanner = new FrameScanner();
        let problem: string | null = null;
        for (let at = 0, index = 0; at < stream.length && !problem; index++) {
          const size = cuts[index % cuts.length] as number;
          problem = scanner.scan(stream.subarray(at, at + size));
          at += size;
        }
        assert.equal(
          problem !== null,
          lengths.some((length) => length > MAX_FRAME_BYTES_BEFORE_LOGIN),
        );
      },
    ),
  );
});

test('the limit is raised for frames that begin later', () => {
  const scanner = new FrameScanner();
  assert.equal(scanner.scan(frame(4096)), null);
  scanner.maxFrameBytes = 100_000;
  assert.equal(scanner.scan(frame(100_000)), null);
  assert.match(scanner.scan(frame(100_001)) ?? '', /at most 100000/);
});

test('a length that never ends is malformed', () => {
  assert.match(new FrameScanner().scan(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80)) ?? '', /malformed/);
});
