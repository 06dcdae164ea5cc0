/**
 * A TensorFlow.js layers model as ONNX: channels first (the layout that ONNX Runtime runs natively), dynamic batch,
 * batch normalisation folded into the convolution before it.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { OnnxGraphBuilder } from './onnx-graph-builder.ts';

export const INPUT_NAME = 'input';
export const OUTPUT_NAME = 'logits';

type Layer = tfl.layers.Layer;
type Config = Record<string, unknown>;
/** A weight in tfjs' order of axes. */
interface Weight {
  shape: number[];
  values: Float32Array;
}

/** A layer that has no translation yet: the message names it. */
export class UnsupportedLayerError extends Error {
  override name = 'UnsupportedLayerError';
}

/** A model whose weights are not numbers, or are none once batch normalisation is folded into them. */
export class NotFiniteError extends Error {
  override name = 'NotFiniteError';
}

/**
 * @param model functional, one input and one output; images as [batch, height, width, channels]
 * @returns an ONNX model with input `input` ([batch, channels, height, width] for images) and output `logits`
 * @throws {UnsupportedLayerError} @throws {NotFiniteError}
 */
export function exportLayersModel(model: tfl.LayersModel, metadata: Record<string, string>): Uint8Array {
  const builder = new OnnxGraphBuilder();
  const exporter = new Exporter(builder, model);
  exporter.run();
  const sample = (model.inputs[0] as tfl.SymbolicTensor).shape.slice(1) as number[];
  const output = (model.outputs[0] as tfl.SymbolicTensor).shape.slice(1) as number[];
  return builder.finish({
    input: { name: INPUT_NAME, dims: ['batch', ...channelsFirst(sample)] },
    output: { name: OUTPUT_NAME, dims: ['batch', ...channelsFirst(output)] },
    metadata,
  });
}

/** [height, width, channels] → [channels, height, width]; other ranks stay as they are. */
export function channelsFirst(shape: readonly number[]): number[] {
  return shape.length === 3 ? [shape[2] as number, shape[0] as number, shape[1] as number] : [...shape];
}

class Exporter {
  readonly #builder: OnnxGraphBuilder;
  readonly #model: tfl.LayersModel;
  /** ONNX name of each tfjs tensor, by the tensor's id. */
  readonly #names = new Map<number, string>();

  constructor(builder: OnnxGraphBuilder, model: tfl.LayersModel) {
    this.#builder = builder;
    this.#model = model;
  }

  run(): void {
    const folded = new Set<Layer>();
    const last = this.#model.outputs[0] as tfl.SymbolicTensor;
    for (const layer of this.#model.layers) {
      if (folded.has(layer)) continue;
      if (layer.getClassName() === 'InputLayer') {
        this.#names.set((layer.output as tfl.SymbolicTensor).id, INPUT_NAME);
        continue;
      }
      const normalisation = this.#normalisationAfter(layer);
      if (normalisation) folded.add(normalisation);
      const output = (normalisation ?? layer).output as tfl.SymbolicTensor;
      this.#names.set(
        output.id,
        this.#translate(layer, normalisation, output.id === last.id ? OUTPUT_NAME : undefined),
      );
    }
  }

  #weights(dims: readonly number[], values: Float32Array): string {
    if (!values.every(Number.isFinite))
      throw new NotFiniteError('the weights of the model are not finite: a smaller learningRate may help');
    return this.#builder.weights(dims, values);
  }

  /** The batch normalisation that is the only reader of a convolution's output, where nothing stands between the two. */
  #normalisationAfter(layer: Layer): Layer | null {
    if (!['Conv2D', 'DepthwiseConv2D'].includes(layer.getClassName())) return null;
    if (((layer.getConfig() as Config).activation ?? 'linear') !== 'linear') return null;
    const output = layer.output as tfl.SymbolicTensor;
    const readers = this.#model.layers.filter(
      (other) => other !== layer && inputsOf(other).some((input) => input.id === output.id),
    );
    return readers.length === 1 && readers[0]?.getClassName() === 'BatchNormalization' ? (readers[0] as Layer) : null;
  }

  #translate(layer: Layer, normalisation: Layer | null, output: string | undefined): string {
    const inputs = inputsOf(layer);
    const names = inputs.map(({ id }) => this.#names.get(id) as string);
    const config = layer.getConfig() as Config;
    const rank = inputs[0]?.shape.length ?? 0;
    switch (layer.getClassName()) {
      case 'Conv2D':
      case 'DepthwiseConv2D':
        return this.#convolution(layer, normalisation, names, output);
      case 'BatchNormalization':
        return this.#batchNormalization(layer, names, output);
      case 'ReLU':
        return config.maxValue == null
          ? this.#builder.node('Relu', names, {}, output)
          : this.#clip(names, Number(config.maxValue), output);
      case 'Activation':
        return this.#activation(layer, String(config.activation), names, output);
      case 'Softmax':
        return this.#builder.node('Softmax', names, { axis: { int: 1 } }, output);
      case 'Add':
        return this.#builder.node('Add', names, {}, output);
      case 'Concatenate':
        return this.#builder.node('Concat', names, { axis: { int: rank === 4 ? 1 : rank - 1 } }, output);
      case 'Dropout':
        return this.#builder.node('Identity', names, {}, output);
      case 'MaxPooling2D':
      case 'AveragePooling2D':
        return this.#pooling(layer, names, output);
      case 'GlobalAveragePooling2D': {
        const pooled = this.#builder.node('GlobalAveragePool', names);
        return this.#builder.node('Flatten', [pooled], { axis: { int: 1 } }, output);
      }
      case 'Flatten': {
        // The dense layer behind it expects the values of a pixel side by side.
        const pixels =
          rank === 4 ? this.#builder.node('Transpose', names, { perm: { ints: [0, 2, 3, 1] } }) : (names[0] as string);
        return this.#builder.node('Flatten', [pixels], { axis: { int: 1 } }, output);
      }
      case 'Dense':
        return this.#dense(layer, names, output);
      default:
        throw new UnsupportedLayerError(
          `layer "${layer.name}" of type ${layer.getClassName()} cannot be exported to ONNX yet`,
        );
    }
  }

  #convolution(layer: Layer, normalisation: Layer | null, inputs: string[], output: string | undefined): string {
    const config = layer.getConfig() as Config;
    const [kernel, bias] = weightsOf(layer) as [Weight, Weight | undefined];
    const depthwise = layer.getClassName() === 'DepthwiseConv2D';
    const [rows, columns, inChannels, perChannel] = kernel.shape as [number, number, number, number];
    const outChannels = depthwise ? inChannels * perChannel : perChannel;
    const { scale, shift } = affineOf(normalisation, outChannels, bias);
    const dims = [outChannels, depthwise ? 1 : inChannels, rows, columns];
    const weights = this.#weights(dims, channelsFirstKernel(kernel, depthwise, scale));
    const attributes = {
      kernel_shape: { ints: [rows, columns] },
      strides: { ints: pair(config.strides) },
      dilations: { ints: pair(config.dilationRate) },
      pads: { ints: padsOf(layer, [rows, columns]) },
      group: { int: depthwise ? inChannels : 1 },
    };
    const activation = String(config.activation ?? 'linear');
    const plain = activation === 'linear';
    const result = this.#builder.node(
      'Conv',
      [...inputs, weights, this.#weights([outChannels], shift)],
      attributes,
      plain ? output : undefined,
    );
    return plain ? result : this.#activation(layer, activation, [result], output);
  }

  #batchNormalization(layer: Layer, inputs: string[], output: string | undefined): string {
    const parts = namedWeights(layer);
    const channels = (parts.get('moving_mean') as Weight).values.length;
    const constant = (value: number) => new Float32Array(channels).fill(value);
    const values = [
      parts.get('gamma')?.values ?? constant(1),
      parts.get('beta')?.values ?? constant(0),
      (parts.get('moving_mean') as Weight).values,
      (parts.get('moving_variance') as Weight).values,
    ];
    const names = values.map((value) => this.#weights([channels], value));
    return this.#builder.node(
      'BatchNormalization',
      [...inputs, ...names],
      { epsilon: { float: Number((layer.getConfig() as Config).epsilon) } },
      output,
    );
  }

  #dense(layer: Layer, inputs: string[], output: string | undefined): string {
    const [kernel, bias] = weightsOf(layer) as [Weight, Weight | undefined];
    const [inUnits, units] = kernel.shape as [number, number];
    const weights = this.#weights([inUnits, units], kernel.values);
    const shift = this.#weights([units], bias?.values ?? new Float32Array(units));
    const activation = String((layer.getConfig() as Config).activation ?? 'linear');
    const plain = activation === 'linear';
    const result = this.#builder.node('Gemm', [...inputs, weights, shift], {}, plain ? output : undefined);
    return plain ? result : this.#activation(layer, activation, [result], output);
  }

  #pooling(layer: Layer, inputs: string[], output: string | undefined): string {
    const config = layer.getConfig() as Config;
    const kernel = pair(config.poolSize);
    const attributes = {
      kernel_shape: { ints: kernel },
      strides: { ints: pair(config.strides) },
      pads: { ints: padsOf(layer, kernel) },
    };
    return this.#builder.node(
      layer.getClassName() === 'MaxPooling2D' ? 'MaxPool' : 'AveragePool',
      inputs,
      attributes,
      output,
    );
  }

  #activation(layer: Layer, name: string, inputs: string[], output: string | undefined): string {
    const simple: Record<string, string> = { linear: 'Identity', relu: 'Relu', sigmoid: 'Sigmoid', tanh: 'Tanh' };
    if (name === 'relu6') return this.#clip(inputs, 6, output);
    if (name === 'softmax') return this.#builder.node('Softmax', inputs, { axis: { int: 1 } }, output);
    const opType = simple[name];
    if (!opType)
      throw new UnsupportedLayerError(`activation "${name}" of layer "${layer.name}" cannot be exported to ONNX yet`);
    return this.#builder.node(opType, inputs, {}, output);
  }

  #clip(inputs: string[], maximum: number, output: string | undefined): string {
    const [low, high] = [0, maximum].map((value) => this.#weights([], Float32Array.of(value)));
    return this.#builder.node('Clip', [...inputs, low as string, high as string], {}, output);
  }
}

function inputsOf(layer: Layer): tfl.SymbolicTensor[] {
  return ([] as tfl.SymbolicTensor[]).concat(layer.input);
}

function weightsOf(layer: Layer): Weight[] {
  return layer
    .getWeights()
    .map((tensor: tf.Tensor) => ({ shape: tensor.shape, values: tensor.dataSync() as Float32Array }));
}

/** The weights of a layer by the last part of their names: gamma, beta, moving_mean, moving_variance. */
function namedWeights(layer: Layer): Map<string, Weight> {
  const values = weightsOf(layer);
  return new Map(
    layer.weights.map(({ originalName }, i) => [originalName.split('/').at(-1) as string, values[i] as Weight]),
  );
}

/** The factor and the addend per output channel of a bias and a batch normalisation after a convolution. */
function affineOf(
  normalisation: Layer | null,
  channels: number,
  bias: Weight | undefined,
): { scale: Float32Array; shift: Float32Array } {
  const scale = new Float32Array(channels).fill(1);
  const shift = bias ? bias.values.slice() : new Float32Array(channels);
  if (!normalisation) return { scale, shift };
  const parts = namedWeights(normalisation);
  const epsilon = Number((normalisation.getConfig() as Config).epsilon);
  for (let channel = 0; channel < channels; channel++) {
    const gamma = parts.get('gamma')?.values[channel] ?? 1;
    const factor = gamma / Math.sqrt((parts.get('moving_variance')?.values[channel] as number) + epsilon);
    scale[channel] = factor;
    shift[channel] =
      ((shift[channel] as number) - (parts.get('moving_mean')?.values[channel] as number)) * factor +
      (parts.get('beta')?.values[channel] ?? 0);
  }
  return { scale, shift };
}

/** [rows, columns, in, out] → [out, in, rows, columns] (depthwise: [in·per, 1, rows, columns]), scaled per output channel. */
function channelsFirstKernel({ shape, values }: Weight, depthwise: boolean, scale: Float32Array): Float32Array {
  const [rows, columns, inChannels, last] = shape as [number, number, number, number];
  const result = new Float32Array(values.length);
  for (let position = 0; position < rows * columns; position++) {
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < last; o++) {
        const channel = depthwise ? i * last + o : o;
        const at = depthwise ? channel * rows * columns + position : (o * inChannels + i) * rows * columns + position;
        result[at] = (values[(position * inChannels + i) * last + o] as number) * (scale[channel] as number);
      }
    }
  }
  return result;
}

/** TensorFlow's "same" pads more at the end (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2); ONNX's [top, left, bottom, right]. */
function padsOf(layer: Layer, kernel: readonly number[]): number[] {
  const config = layer.getConfig() as Config;
  if (config.padding !== 'same') return [0, 0, 0, 0];
  const shape = (layer.input as tfl.SymbolicTensor).shape as number[];
  const strides = pair(config.strides);
  const dilations = pair(config.dilationRate ?? 1);
  const total = [0, 1].map((axis) => {
    const [size, stride] = [shape[axis + 1] as number, strides[axis] as number];
    const extent = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
  });
  const before = total.map((pad) => Math.floor(pad / 2));
  return [...before, ...total.map((pad, axis) => pad - (before[axis] as number))];
}

function pair(value: unknown): [number, number] {
  return Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [Number(value), Number(value)];
}
