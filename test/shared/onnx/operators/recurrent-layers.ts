/** Recurrent layers. MACs: steps × samples × directions × gates × hidden × (features + hidden). */
import { data, type OperatorCase, rows, weight } from './operator-case.ts';

const [LENGTH, SAMPLES, FEATURES, HIDDEN] = [5, 2, 3, 4];
const SEQUENCE = data([LENGTH, SAMPLES, FEATURES]);

function layers(op: string, gates: number, states: number): OperatorCase[] {
  const weights = (directions: number) => [
    weight([directions, gates * HIDDEN, FEATURES]),
    weight([directions, gates * HIDDEN, HIDDEN]),
  ];
  const macs = LENGTH * SAMPLES * gates * HIDDEN * (FEATURES + HIDDEN);
  const asked = (...outputs: boolean[]) => outputs.slice(0, 1 + states);
  const hidden_size = HIDDEN;
  return rows(op, { kind: 'recurrent' }, [
    {
      what: 'forward, all outputs',
      inputs: [SEQUENCE, ...weights(1)],
      attributes: { hidden_size },
      outputs: asked(true, true, true),
      macs,
      weightBytes: 4 * gates * HIDDEN * (FEATURES + HIDDEN),
      peakBytes: 4 * (LENGTH * SAMPLES * FEATURES + LENGTH * SAMPLES * HIDDEN + states * SAMPLES * HIDDEN),
    },
    { what: 'the sequence alone', inputs: [SEQUENCE, ...weights(1)], attributes: { hidden_size }, macs },
    {
      what: 'the last state alone: the first output is left out',
      inputs: [SEQUENCE, ...weights(1)],
      attributes: { hidden_size },
      outputs: [false, true],
      macs,
      peakBytes: 4 * (LENGTH * SAMPLES * FEATURES + SAMPLES * HIDDEN),
    },
    {
      what: 'reverse',
      inputs: [SEQUENCE, ...weights(1)],
      attributes: { hidden_size, direction: 'reverse' },
      outputs: asked(true, true, true),
      macs,
    },
    {
      what: 'both directions, with biases',
      inputs: [SEQUENCE, ...weights(2), weight([2, 2 * gates * HIDDEN])],
      attributes: { hidden_size, direction: 'bidirectional' },
      outputs: asked(true, true, true),
      macs: 2 * macs,
      weightBytes: 4 * 2 * gates * HIDDEN * (FEATURES + HIDDEN + 2),
      peakBytes: 4 * (LENGTH * SAMPLES * FEATURES + 2 * LENGTH * SAMPLES * HIDDEN + 2 * states * SAMPLES * HIDDEN),
    },
    {
      what: 'with lengths and an initial state',
      inputs: [SEQUENCE, ...weights(1), null, data([SAMPLES], 'int32', LENGTH), data([1, SAMPLES, HIDDEN])],
      attributes: { hidden_size },
      outputs: asked(true, true, true),
      macs,
    },
    {
      what: 'batch first',
      inputs: [data([SAMPLES, LENGTH, FEATURES]), ...weights(1)],
      attributes: { hidden_size, layout: 1 },
      outputs: asked(true, true, true),
      macs,
      byHand: {
        because: 'layout 1 is refused by its CPU kernels',
        outputs: [
          ['float32', [SAMPLES, LENGTH, 1, HIDDEN]],
          ['float32', [SAMPLES, 1, HIDDEN]],
          ['float32', [SAMPLES, 1, HIDDEN]],
        ].slice(0, 1 + states) as [['float32', number[]]],
      },
    },
  ]);
}

export const RECURRENT_LAYERS: readonly OperatorCase[] = [
  ...layers('LSTM', 4, 2),
  ...layers('GRU', 3, 1),
  ...layers('RNN', 1, 1),
  ...rows('DynamicQuantizeLSTM', { kind: 'recurrent', domain: 'com.microsoft' }, [
    {
      what: 'both directions',
      // Its weights are stored the other way round: [directions, features, 4 × hidden].
      inputs: [
        SEQUENCE,
        weight([2, FEATURES, 4 * HIDDEN], 'int8'),
        weight([2, HIDDEN, 4 * HIDDEN], 'int8'),
        null,
        null,
        null,
        null,
        null,
        weight([2]),
        weight([2], 'int8', 0),
        weight([2]),
        weight([2], 'int8', 0),
      ],
      attributes: { hidden_size: HIDDEN, direction: 'bidirectional' },
      outputs: [true, true, true],
      macs: LENGTH * SAMPLES * 2 * 4 * HIDDEN * (FEATURES + HIDDEN),
      weightBytes: 2 * 4 * HIDDEN * (FEATURES + HIDDEN) + 2 * 2 * (4 + 1),
    },
  ]),
];
