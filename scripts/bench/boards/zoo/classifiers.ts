/** Image classifiers of which there are measurements, written from their papers, by the names that the tables use. */
import { type Activation, type Feature, GraphWriter, IMAGE } from './graph-writer.ts';

type Body = (net: GraphWriter) => Feature;

function classifier(body: Body): Uint8Array {
  const net = new GraphWriter();
  return net.write([net.classify(body(net))]);
}

interface ResNet {
  depths: number[];
  bottleneck: boolean;
  /** Width of a bottleneck's 3 × 3 convolution, in 64ths, and its groups (ResNeXt, Wide ResNet). */
  width?: number;
  groups?: number;
}

/** He et al. 2015 (https://arxiv.org/abs/1512.03385), version 1.5: the stride is in the 3 × 3 convolution. */
const RESNETS: Readonly<Record<string, ResNet>> = {
  resnet18: { depths: [2, 2, 2, 2], bottleneck: false },
  resnet34: { depths: [3, 4, 6, 3], bottleneck: false },
  resnet26: { depths: [2, 2, 2, 2], bottleneck: true },
  resnet50: { depths: [3, 4, 6, 3], bottleneck: true },
  resnet101: { depths: [3, 4, 23, 3], bottleneck: true },
  resnet152: { depths: [3, 8, 36, 3], bottleneck: true },
  wide_resnet50_2: { depths: [3, 4, 6, 3], bottleneck: true, width: 128 },
  wide_resnet101_2: { depths: [3, 4, 23, 3], bottleneck: true, width: 128 },
  resnext50_32x4d: { depths: [3, 4, 6, 3], bottleneck: true, width: 128, groups: 32 },
  resnext101_32x8d: { depths: [3, 4, 23, 3], bottleneck: true, width: 256, groups: 32 },
  resnext101_64x4d: { depths: [3, 4, 23, 3], bottleneck: true, width: 256, groups: 64 },
};

function residual(net: GraphWriter, input: Feature, to: number, stride: number, main: Feature): Feature {
  const isPlain = stride === 1 && input.channels === to;
  return net.add(main, isPlain ? input : net.conv(input, to, { stride, activation: null }), 'relu');
}

function resnet({ depths, bottleneck, width = 64, groups = 1 }: ResNet): Body {
  return (net) => {
    let value = net.pool('MaxPool', net.conv(IMAGE, 64, { kernel: 7, stride: 2 }), 3, 2, 1);
    for (const [stage, depth] of depths.entries()) {
      const inner = (bottleneck ? width : 64) * 2 ** stage;
      const to = (bottleneck ? 256 : 64) * 2 ** stage;
      for (let block = 0; block < depth; block += 1) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        const main = bottleneck
          ? net.conv(net.conv(net.conv(value, inner), inner, { kernel: 3, stride, groups }), to, { activation: null })
          : net.conv(net.conv(value, to, { kernel: 3, stride }), to, { kernel: 3, activation: null });
        value = residual(net, value, to, stride, main);
      }
    }
    return value;
  };
}

/** Simonyan & Zisserman 2014 (https://arxiv.org/abs/1409.1556); the first dense layer as the 7 × 7 convolution that it is. */
const VGGS: Readonly<Record<string, number[]>> = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
};

function vgg(depths: readonly number[]): Uint8Array {
  const net = new GraphWriter();
  let value: Feature = IMAGE;
  for (const [stage, depth] of depths.entries()) {
    for (let layer = 0; layer < depth; layer += 1) value = net.conv(value, Math.min(512, 64 << stage), { kernel: 3 });
    value = net.pool('MaxPool', value, 2, 2);
  }
  const flat = net.op('Flatten', [value.name]);
  const hidden = net.dense(net.dense(flat, 512 * 49, 4096, 'relu'), 4096, 4096, 'relu');
  return net.write([net.dense(hidden, 4096, 1000)]);
}

/** Krizhevsky 2014, as in Caffe. */
function alexnet(): Uint8Array {
  const net = new GraphWriter();
  let value = net.pool('MaxPool', net.conv(IMAGE, 96, { kernel: 11, stride: 4, pad: 0 }), 3, 2);
  value = net.pool('MaxPool', net.conv(value, 256, { kernel: 5, groups: 2 }), 3, 2);
  value = net.conv(value, 384, { kernel: 3 });
  value = net.conv(value, 384, { kernel: 3, groups: 2 });
  value = net.pool('MaxPool', net.conv(value, 256, { kernel: 3, groups: 2 }), 3, 2);
  const flat = net.op('Flatten', [value.name]);
  const hidden = net.dense(net.dense(flat, 9216, 4096, 'relu'), 4096, 4096, 'relu');
  return net.write([net.dense(hidden, 4096, 1000)]);
}

/** TensorFlow's rounding of scaled channels to multiples of 8, by at most 10 % down. */
function rounded(channels: number, divisor = 8): number {
  const near = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return near < 0.9 * channels ? near + divisor : near;
}

const MOBILENET_V1 = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1]),
  [1024, 2],
  [1024, 1],
] as const;

/** Howard et al. 2017 (https://arxiv.org/abs/1704.04861). */
export function mobilenetV1(alpha: number, activation: Activation = 'relu6'): Uint8Array {
  return classifier((net) => {
    const at = (channels: number) => Math.max(8, Math.floor(channels * alpha));
    let value = net.conv(IMAGE, at(32), { kernel: 3, stride: 2, activation });
    for (const [to, stride] of MOBILENET_V1)
      value = net.conv(net.depthwise(value, { stride, activation }), at(to), { activation });
    return value;
  });
}

type InvertedStage = [expand: number, to: number, repeats: number, stride: number, kernel: number];
interface Inverted {
  stages: readonly InvertedStage[];
  stem: number;
  head: number;
  activation: Activation;
  /** Share of a block's input channels in its squeeze and excitation; 0: none. */
  squeeze?: number;
}

/** Blocks of MobileNet v2, MnasNet and EfficientNet: expand, depthwise, (squeeze,) project. */
function inverted({ stages, stem, head, activation, squeeze = 0 }: Inverted): Body {
  return (net) => {
    let value = net.conv(IMAGE, stem, { kernel: 3, stride: 2, activation });
    for (const [expand, to, repeats, first, kernel] of stages)
      for (let block = 0; block < repeats; block += 1) {
        const stride = block === 0 ? first : 1;
        const wide = expand === 1 ? value : net.conv(value, value.channels * expand, { activation });
        let inner = net.depthwise(wide, { kernel, stride, activation });
        if (squeeze > 0) inner = net.squeeze(inner, Math.max(1, Math.round(value.channels * squeeze)), activation);
        const narrow = net.conv(inner, to, { activation: null });
        value = stride === 1 && value.channels === to ? net.add(narrow, value) : narrow;
      }
    return net.conv(value, head, { activation });
  };
}

const MOBILENET_V2: readonly InvertedStage[] = [
  [1, 16, 1, 1, 3],
  [6, 24, 2, 2, 3],
  [6, 32, 3, 2, 3],
  [6, 64, 4, 2, 3],
  [6, 96, 3, 1, 3],
  [6, 160, 3, 2, 3],
  [6, 320, 1, 1, 3],
];

/** Sandler et al. 2018 (https://arxiv.org/abs/1801.04381). */
export function mobilenetV2(alpha: number): Uint8Array {
  const stages = MOBILENET_V2.map(
    ([expand, to, ...rest]): InvertedStage => [expand, rounded(to * alpha), ...rest] as InvertedStage,
  );
  const stem = rounded(32 * alpha);
  return classifier(inverted({ stages, stem, head: alpha > 1 ? rounded(1280 * alpha) : 1280, activation: 'relu6' }));
}

/** Tan et al. 2018 (https://arxiv.org/abs/1807.11626), B1. */
const MNASNET: readonly InvertedStage[] = [
  [1, 16, 1, 1, 3],
  [3, 24, 3, 2, 3],
  [3, 40, 3, 2, 5],
  [6, 80, 3, 2, 5],
  [6, 96, 2, 1, 3],
  [6, 192, 4, 2, 5],
  [6, 320, 1, 1, 3],
];

/** Tan & Le 2019 (https://arxiv.org/abs/1905.11946). */
const EFFICIENTNET: readonly InvertedStage[] = [
  [1, 16, 1, 1, 3],
  [6, 24, 2, 2, 3],
  [6, 40, 2, 2, 5],
  [6, 80, 3, 2, 3],
  [6, 112, 3, 1, 5],
  [6, 192, 4, 2, 5],
  [6, 320, 1, 1, 3],
];

/** `lite`: without squeeze and excitation, with ReLU6, stem and head not scaled. */
export function efficientnet(width: number, depth: number, lite = false): Uint8Array {
  const stages = EFFICIENTNET.map(([expand, to, repeats, stride, kernel], stage): InvertedStage => {
    const isEnd = lite && (stage === 0 || stage === EFFICIENTNET.length - 1);
    return [expand, rounded(to * width), isEnd ? repeats : Math.ceil(repeats * depth), stride, kernel];
  });
  const activation = lite ? 'relu6' : 'swish';
  const [stem, head] = lite ? [32, 1280] : [rounded(32 * width), rounded(1280 * width)];
  return classifier(inverted({ stages, stem, head, activation, squeeze: lite ? 0 : 0.25 }));
}

/** Huang et al. 2016 (https://arxiv.org/abs/1608.06993): growth, and layers of each block. */
const DENSENETS: Readonly<Record<string, [growth: number, depths: number[]]>> = {
  densenet121: [32, [6, 12, 24, 16]],
  densenet161: [48, [6, 12, 36, 24]],
  densenet169: [32, [6, 12, 32, 32]],
  densenet201: [32, [6, 12, 48, 32]],
};

function densenet([growth, depths]: [number, number[]]): Body {
  const normalised = (net: GraphWriter, { name, channels }: Feature): Feature => ({
    name: net.op('Relu', [net.op('BatchNormalization', [name, ...[0, 1, 2, 3].map(() => net.weight([channels]))])]),
    channels,
  });
  return (net) => {
    let value = net.pool('MaxPool', net.conv(IMAGE, 2 * growth, { kernel: 7, stride: 2 }), 3, 2, 1);
    for (const [block, depth] of depths.entries()) {
      const parts = [value];
      for (let layer = 0; layer < depth; layer += 1) {
        const all = parts.length === 1 ? value : net.concat(parts);
        const inner = net.conv(normalised(net, all), 4 * growth);
        parts.push(net.conv(inner, growth, { kernel: 3, activation: null }));
      }
      value = normalised(net, net.concat(parts));
      if (block < depths.length - 1)
        value = net.pool('AveragePool', net.conv(value, value.channels / 2, { activation: null }), 2, 2);
    }
    return value;
  };
}

/** Radosavovic et al. 2020 (https://arxiv.org/abs/2003.13678): depths, widths, channels of a group. */
const REGNETS: Readonly<Record<string, [depths: number[], widths: number[], group: number]>> = {
  regnetx_002: [[1, 1, 4, 7], [24, 56, 152, 368], 8],
  regnetx_004: [[1, 2, 7, 12], [32, 64, 160, 384], 16],
  regnetx_006: [[1, 3, 5, 7], [48, 96, 240, 528], 24],
  regnetx_008: [[1, 3, 7, 5], [64, 128, 288, 672], 16],
  regnetx_016: [[2, 4, 10, 2], [72, 168, 408, 912], 24],
  regnetx_032: [[2, 6, 15, 2], [96, 192, 432, 1008], 48],
  regnetx_040: [[2, 5, 14, 2], [80, 240, 560, 1360], 40],
  regnetx_064: [[2, 4, 10, 1], [168, 392, 784, 1624], 56],
  regnetx_080: [[2, 5, 15, 1], [80, 240, 720, 1920], 120],
  regnetx_120: [[2, 5, 11, 1], [224, 448, 896, 2240], 112],
  regnetx_160: [[2, 6, 13, 1], [256, 512, 896, 2048], 128],
  regnetx_320: [[2, 7, 13, 1], [336, 672, 1344, 2520], 168],
  regnety_002: [[1, 1, 4, 7], [24, 56, 152, 368], 8],
  regnety_004: [[1, 3, 6, 6], [48, 104, 208, 440], 8],
  regnety_006: [[1, 3, 7, 4], [48, 112, 256, 608], 16],
  regnety_008: [[1, 3, 8, 2], [64, 128, 320, 768], 16],
  regnety_016: [[2, 6, 17, 2], [48, 120, 336, 888], 24],
};

function regnet([depths, widths, group]: [number[], number[], number], squeezes: boolean): Body {
  return (net) => {
    let value = net.conv(IMAGE, 32, { kernel: 3, stride: 2 });
    for (const [stage, depth] of depths.entries())
      for (let block = 0; block < depth; block += 1) {
        const to = widths[stage] as number;
        const stride = block === 0 ? 2 : 1;
        const inner = net.conv(net.conv(value, to), to, { kernel: 3, stride, groups: to / Math.min(group, to) });
        const gated = squeezes ? net.squeeze(inner, Math.round(value.channels / 4)) : inner;
        value = residual(net, value, to, stride, net.conv(gated, to, { activation: null }));
      }
    return value;
  };
}

const SCALED_EFFICIENTNETS: Readonly<Record<string, [number, number]>> = {
  efficientnet_b0: [1, 1],
  efficientnet_b1: [1, 1.1],
  efficientnet_b2: [1.1, 1.2],
  efficientnet_b3: [1.2, 1.4],
  efficientnet_b4: [1.4, 1.8],
};

/** The classifier of that name, or null where nobody has written it down here. VGG and AlexNet take one size only. */
export function classifierNamed(name: string): Uint8Array | null {
  if (name in RESNETS) return classifier(resnet(RESNETS[name] as ResNet));
  if (name in DENSENETS) return classifier(densenet(DENSENETS[name] as [number, number[]]));
  if (name in REGNETS)
    return classifier(regnet(REGNETS[name] as [number[], number[], number], name.startsWith('regnety')));
  if (name in SCALED_EFFICIENTNETS) return efficientnet(...(SCALED_EFFICIENTNETS[name] as [number, number]));
  if (name in VGGS) return vgg(VGGS[name] as number[]);
  if (name === 'alexnet') return alexnet();
  if (name === 'mnasnet_100')
    return classifier(inverted({ stages: MNASNET, stem: 32, head: 1280, activation: 'relu' }));
  const mobile = /^mobilenetv2_(\d{3})$/.exec(name);
  return mobile ? mobilenetV2(Number(mobile[1]) / 100) : null;
}
