/**
 * YOLOv5 and YOLOv8 (Ultralytics), by depth and width, up to the raw outputs of their heads. As in the collection that
 * was measured (Deeplite's torch zoo), both have YOLOv5's anchor head, and no stage of YOLOv8 is capped.
 */
import { type Feature, GraphWriter, IMAGE } from './graph-writer.ts';

interface Scale {
  depth: number;
  width: number;
}

const CLASSES = 20;
const NAMED: Readonly<Record<string, Scale>> = {
  n: { depth: 0.33, width: 0.25 },
  s: { depth: 0.33, width: 0.5 },
  m: { depth: 0.67, width: 0.75 },
  l: { depth: 1, width: 1 },
};
const SHARES: Readonly<Record<string, number>> = { '1': 1, '25': 0.25, '33': 0.33, '5': 0.5, '67': 0.67, '75': 0.75 };

const swish = { activation: 'swish' } as const;

function bottleneck(net: GraphWriter, input: Feature, kernel: number, shortcut: boolean): Feature {
  const inner = net.conv(net.conv(input, input.channels, { kernel, ...swish }), input.channels, {
    kernel: 3,
    ...swish,
  });
  return shortcut ? net.add(input, inner) : inner;
}

/** Cross-stage block of three convolutions (v5). */
function c3(net: GraphWriter, input: Feature, to: number, repeats: number, shortcut: boolean): Feature {
  let main = net.conv(input, to / 2, swish);
  for (let index = 0; index < repeats; index += 1) main = bottleneck(net, main, 1, shortcut);
  return net.conv(net.concat([main, net.conv(input, to / 2, swish)]), to, swish);
}

/** Cross-stage block that keeps every bottleneck's output (v8). */
function c2f(net: GraphWriter, input: Feature, to: number, repeats: number, shortcut: boolean): Feature {
  const both = net.conv(input, to, swish);
  const half = (start: number): Feature => ({
    name: net.op('Slice', [both.name, net.integers([start]), net.integers([start + to / 2]), net.integers([1])]),
    channels: to / 2,
  });
  const parts = [half(0), half(to / 2)];
  for (let index = 0; index < repeats; index += 1) parts.push(bottleneck(net, parts.at(-1) as Feature, 3, shortcut));
  return net.conv(net.concat(parts), to, swish);
}

function sppf(net: GraphWriter, input: Feature, to: number): Feature {
  const parts = [net.conv(input, input.channels / 2, swish)];
  for (let index = 0; index < 3; index += 1) parts.push(net.pool('MaxPool', parts.at(-1) as Feature, 5, 1, 2));
  return net.conv(net.concat(parts), to, swish);
}

function upsample(net: GraphWriter, input: Feature): Feature {
  const scales = `scales${net.initializers.length}`;
  net.initializers.push({ name: scales, dims: [4], raw: new Uint8Array(new Float32Array([1, 1, 2, 2]).buffer) });
  return { ...input, name: net.op('Resize', [input.name, '', scales]) };
}

/** The YOLO of that name ("yolo5n", "yolo8d67w25") or null for other families. */
export function yoloNamed(name: string): Uint8Array | null {
  const found = /^yolo([58])(?:([nsml])|d(\d+)w(\d+))$/.exec(name);
  if (!found) return null;
  const isV8 = found[1] === '8';
  const { depth, width } = found[2]
    ? (NAMED[found[2]] as Scale)
    : { depth: SHARES[found[3] as string] as number, width: SHARES[found[4] as string] as number };
  const net = new GraphWriter();
  const at = (channels: number) => Math.ceil((channels * width) / 8) * 8;
  const times = (repeats: number) => Math.max(1, Math.round(repeats * depth));
  const block = isV8 ? c2f : c3;
  const down = (input: Feature, to: number) => net.conv(input, at(to), { kernel: 3, stride: 2, ...swish });
  let value = net.conv(IMAGE, at(64), { kernel: isV8 ? 3 : 6, stride: 2, pad: isV8 ? 1 : 2, ...swish });
  const levels: Feature[] = [];
  for (const [index, to] of [128, 256, 512, 1024].entries()) {
    value = block(net, down(value, to), at(to), times((isV8 ? [3, 6, 6, 3] : [3, 6, 9, 3])[index] as number), true);
    levels.push(value);
  }
  const [, p3, p4] = levels as [Feature, Feature, Feature, Feature];
  const repeats = times(3);
  const narrow = (input: Feature, to: number) => (isV8 ? input : net.conv(input, at(to), swish));
  const top = narrow(sppf(net, value, at(1024)), 512);
  const middle = narrow(block(net, net.concat([upsample(net, top), p4]), at(512), repeats, false), 256);
  const out3 = block(net, net.concat([upsample(net, middle), p3]), at(256), repeats, false);
  const out4 = block(net, net.concat([down(out3, 256), middle]), at(512), repeats, false);
  const out5 = block(net, net.concat([down(out4, 512), top]), at(1024), repeats, false);
  const outputs = [out3, out4, out5].map((level) => net.conv(level, 3 * (CLASSES + 5), { activation: 'sigmoid' }).name);
  return net.write(outputs);
}
