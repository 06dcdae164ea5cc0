/**
 * Small architectures like those of EdgeTune's own workloads, from which a calibration chooses the few that tell the most:
 * residual and depthwise-separable image networks, temporal convolutions, dense networks; over widths, sizes and depths.
 */
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import { OnnxGraphBuilder } from './onnx-graph-builder.ts';

export interface CalibrationArchitecture {
  name: string;
  /** Builds the ONNX file (batch open); deterministic. */
  build(): Uint8Array;
}

/** A value on its way through the network. */
interface Value {
  name: string;
  channels: number;
  height: number;
  width: number;
}

class Layers {
  readonly #builder = new OnnxGraphBuilder();
  readonly #bits = congruential32(1);

  /** Weights that are no zeros: a runtime may take short cuts with those. */
  weights(...dims: number[]): string {
    const values = new Float32Array(dims.reduce((product, size) => product * size, 1));
    for (let index = 0; index < values.length; index += 1) values[index] = (this.#bits() / 2 ** 32 - 0.5) * 0.1;
    return this.#builder.weights(dims, values);
  }

  convolution(from: Value, channels: number, kernel: readonly [number, number], stride = 1, group = 1): Value {
    const [rows, columns] = kernel;
    const [top, left] = [(rows - 1) / 2, (columns - 1) / 2];
    const weights = this.weights(channels, from.channels / group, rows, columns);
    const name = this.#builder.node('Conv', [from.name, weights, this.weights(channels)], {
      kernel_shape: { ints: kernel },
      pads: { ints: [top, left, top, left] },
      strides: { ints: [stride, stride] },
      group: { int: group },
    });
    const after = (size: number) => Math.ceil(size / stride);
    return { name, channels, height: after(from.height), width: after(from.width) };
  }

  activation(from: Value, op: 'Relu' | 'Sigmoid'): Value {
    return { ...from, name: this.#builder.node(op, [from.name]) };
  }

  add(one: Value, two: Value): Value {
    return { ...one, name: this.#builder.node('Add', [one.name, two.name]) };
  }

  pool(from: Value): Value {
    const name = this.#builder.node('MaxPool', [from.name], {
      kernel_shape: { ints: [2, 2] },
      strides: { ints: [2, 2] },
    });
    return { ...from, name, height: Math.floor(from.height / 2), width: Math.floor(from.width / 2) };
  }

  dense(name: string, from: number, to: number): string {
    return this.#builder.node('Gemm', [name, this.weights(from, to), this.weights(to)]);
  }

  /** The mean over the image, and a classifier. */
  classify({ name, channels }: Value): string {
    const flat = this.#builder.node('Flatten', [this.#builder.node('GlobalAveragePool', [name])]);
    return this.dense(flat, channels, CLASSES);
  }

  finish(dims: readonly number[], output: string): Uint8Array {
    return this.#builder.finish({
      input: { name: 'input', dims: ['batch', ...dims] },
      output: { name: output, dims: ['batch', CLASSES] },
      metadata: {},
    });
  }
}

const CLASSES = 10;

type Block = (layers: Layers, from: Value, channels: number, stride: number) => Value;

const residual: Block = (layers, from, channels, stride) => {
  const first = layers.activation(layers.convolution(from, channels, [3, 3], stride), 'Relu');
  const second = layers.convolution(first, channels, [3, 3]);
  return layers.activation(layers.add(second, layers.convolution(from, channels, [1, 1], stride)), 'Relu');
};

const separable: Block = (layers, from, channels, stride) => {
  const depthwise = layers.convolution(from, from.channels, [3, 3], stride, from.channels);
  return layers.activation(layers.convolution(layers.activation(depthwise, 'Relu'), channels, [1, 1]), 'Relu');
};

/** Plain convolutions with a costly activation and a pool between them. */
const plain: Block = (layers, from, channels, stride) => {
  const value = layers.activation(layers.convolution(from, channels, [5, 5]), 'Sigmoid');
  return stride > 1 ? layers.pool(value) : value;
};

const BLOCKS: Readonly<Record<string, Block>> = { residual, separable, plain };

function image(block: string, size: number, width: number, depth: number): CalibrationArchitecture {
  return {
    name: `${block} ${size}x${size}, width ${width}, depth ${depth}`,
    build() {
      const layers = new Layers();
      let value = layers.convolution({ name: 'input', channels: 3, height: size, width: size }, width, [3, 3]);
      for (let stage = 0; stage < 3; stage += 1)
        for (let repeat = 0; repeat < depth; repeat += 1)
          value = (BLOCKS[block] as Block)(layers, value, width * 2 ** stage, stage > 0 && repeat === 0 ? 2 : 1);
      return layers.finish([3, size, size], layers.classify(value));
    },
  };
}

function temporal(width: number, kernel: number): CalibrationArchitecture {
  return {
    name: `temporal, width ${width}, kernel ${kernel}`,
    build() {
      const layers = new Layers();
      let value = layers.convolution({ name: 'input', channels: 40, height: 98, width: 1 }, width, [3, 1]);
      for (let block = 1; block <= 3; block += 1)
        value = layers.activation(layers.convolution(value, width * block, [kernel, 1], 2), 'Relu');
      return layers.finish([40, 98, 1], layers.classify(value));
    },
  };
}

function dense(inputs: number, width: number, depth: number): CalibrationArchitecture {
  return {
    name: `dense ${inputs}, width ${width}, depth ${depth}`,
    build() {
      const layers = new Layers();
      let value = layers.dense('input', inputs, width);
      for (let layer = 1; layer < depth; layer += 1) value = layers.dense(value, width, width);
      return layers.finish([inputs], layers.dense(value, width, CLASSES));
    },
  };
}

/** The pool, in a fixed order. */
export const CALIBRATION_POOL: readonly CalibrationArchitecture[] = [
  ...Object.keys(BLOCKS).flatMap((block) =>
    [16, 32, 64].flatMap((size) => [8, 32].flatMap((width) => [1, 2].map((depth) => image(block, size, width, depth)))),
  ),
  ...[16, 48].flatMap((width) => [3, 9].map((kernel) => temporal(width, kernel))),
  ...[256, 1024].flatMap((inputs) =>
    [128, 1024].flatMap((width) => [1, 3].map((depth) => dense(inputs, width, depth))),
  ),
];
