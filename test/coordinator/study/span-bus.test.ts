/** Who was busy when, as it is heard by the studies. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Fleet } from '../../../coordinator/fleet/fleet.ts';
import { type BusySpan, createSpanBus, measureWithSpans } from '../../../coordinator/study/span-bus.ts';

type Options = Parameters<Fleet['measure']>[2];

describe('the spans of a coordinator', () => {
  const span: BusySpan = { studyId: null, lane: 'pi', kind: 'paused', trialId: null, startMs: 1, endMs: 2 };

  it('are heard by all who listen, until they do not any more', () => {
    const bus = createSpanBus();
    const heard: string[] = [];
    const end = bus.subscribe(({ lane }) => heard.push(`one ${lane}`));
    bus.subscribe(({ lane }) => heard.push(`two ${lane}`));
    bus.publish(span);
    end();
    bus.publish({ ...span, lane: 'orin' });
    assert.deepEqual(heard, ['one pi', 'two pi', 'two orin']);
  });

  it('are heard by the others where one throws, and whoever was busy does not', () => {
    const faults: unknown[] = [];
    const bus = createSpanBus((error) => faults.push(error));
    const heard: string[] = [];
    bus.subscribe(() => {
      throw new Error('a broken study');
    });
    bus.subscribe(({ lane }) => heard.push(lane));
    bus.publish(span);
    assert.deepEqual([heard, faults.map(String)], [['pi'], ['Error: a broken study']]);
  });
});

describe('a measurement', () => {
  /** A fleet whose jobs go through these states, a second each, and then end. */
  function measuring(t: TestContext) {
    t.mock.timers.enable({ apis: ['Date'], now: 0 });
    const bus = createSpanBus();
    const spans: BusySpan[] = [];
    bus.subscribe((each) => spans.push(each));
    const states: string[] = [];
    const options: Options = {
      studyId: 's-1',
      signal: new AbortController().signal,
      onStateChange: (state) => states.push(state),
    } as Options;
    const measure = (through: string[], error?: Error) =>
      measureWithSpans(
        {
          devices: () => [{ id: 'd-1', name: 'pi' }] as never,
          measure: async (_device, _request, { onStateChange }) => {
            for (const state of through) {
              onStateChange?.(state as never);
              t.mock.timers.tick(1000);
            }
            if (error) throw error;
            return 'measured' as never;
          },
        },
        bus,
      );
    return { measure, spans, states, options };
  }

  it('keeps its device busy from when it runs to its end', async (t) => {
    const { measure, spans, states, options } = measuring(t);
    assert.equal(await measure(['sent', 'accepted', 'running', 'measuring'])('d-1', {} as never, options), 'measured');
    assert.deepEqual(spans, [
      { studyId: 's-1', lane: 'pi', kind: 'measuring', trialId: null, startMs: 2000, endMs: 4000 },
    ]);
    assert.deepEqual(states, ['sent', 'accepted', 'running', 'measuring']);
  });

  it('keeps it busy also where it fails, where nobody listens and where the device is gone', async (t) => {
    const { measure, spans, options } = measuring(t);
    const { onStateChange: _, ...silent } = options;
    await assert.rejects(measure(['running'], new Error('crashed'))('d-2', {} as never, silent as Options), /crashed/);
    assert.deepEqual(
      spans.map(({ lane, startMs, endMs }) => [lane, startMs, endMs]),
      [['d-2', 0, 1000]],
    );
  });

  it('that never ran keeps nobody busy', async (t) => {
    const { measure, spans, options } = measuring(t);
    await assert.rejects(measure(['sent'], new Error('rejected'))('d-1', {} as never, options), /rejected/);
    assert.deepEqual(spans, []);
  });
});
