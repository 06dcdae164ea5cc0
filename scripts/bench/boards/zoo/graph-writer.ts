/** Writes networks as ONNX files with zero weights: what is measured and what is predicted depends on no weight's value. */
import { buildOnnx, int64Tensor, type NodeSpec, type TensorSpec } from '../../../../test/support/onnx-builder.ts';

/** A feature map: the name of its value and its channels. */
export interface Feature {
  name: string;
  channels: number;
}

export type Activation = 'relu' | 'relu6' | 'leaky' | 'swish' | 'sigmoid' | 'gelu' | null;

export interface ConvOptions {
  kernel?: number;
  stride?: number;
  groups?: number;
  activation?: Activation;
  /** Padding on each side; absent: half the kernel. */
  pad?: number;
}

export class GraphWriter {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  #count = 0;

  op(opType: string, inputs: string[], rest: Partial<NodeSpec> = {}): string {
    this.#count += 1;
    const output = `v${this.#count}`;
    this.nodes.push({ opType, inputs, outputs: [output], ...rest });
    return output;
  }

  /** A constant of zeros, without their bytes in the file: some networks have half a gigabyte of weights. */
  weight(dims: number[]): string {
    return this.op('ConstantOfShape', [this.integers(dims)]);
  }

  integers(values: number[]): string {
    const name = `w${this.initializers.length}`;
    this.initializers.push(int64Tensor(name, values));
    return name;
  }

  activate(name: string, activation: Activation): string {
    switch (activation) {
      case null:
        return name;
      case 'relu':
        return this.op('Relu', [name]);
      case 'relu6':
        return this.op('Clip', [name, this.weight([]), this.weight([])]);
      case 'leaky':
        return this.op('LeakyRelu', [name]);
      case 'sigmoid':
        return this.op('Sigmoid', [name]);
      case 'swish':
        return this.op('Mul', [name, this.op('Sigmoid', [name])]);
      case 'gelu':
        return this.op('Gelu', [name]);
    }
  }

  /** Convolution with its batch-norm folded in (a bias), as every runtime runs it. */
  conv({ name, channels }: Feature, to: number, options: ConvOptions = {}): Feature {
    const { kernel = 1, stride = 1, groups = 1, activation = 'relu', pad = (kernel - 1) >> 1 } = options;
    const output = this.op('Conv', [name, this.weight([to, channels / groups, kernel, kernel]), this.weight([to])], {
      ints: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
      int: { group: groups },
    });
    return { name: this.activate(output, activation), channels: to };
  }

  depthwise(input: Feature, options: ConvOptions = {}): Feature {
    return this.conv(input, input.channels, { kernel: 3, ...options, groups: input.channels });
  }

  pool(opType: 'MaxPool' | 'AveragePool', input: Feature, kernel: number, stride: number, pad = 0): Feature {
    const name = this.op(opType, [input.name], {
      ints: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
    });
    return { ...input, name };
  }

  globalPool(input: Feature): Feature {
    return { ...input, name: this.op('GlobalAveragePool', [input.name]) };
  }

  add(one: Feature, two: Feature, activation: Activation = null): Feature {
    return { ...one, name: this.activate(this.op('Add', [one.name, two.name]), activation) };
  }

  concat(parts: readonly Feature[]): Feature {
    const name = this.op(
      'Concat',
      parts.map((part) => part.name),
      { int: { axis: 1 } },
    );
    return { name, channels: parts.reduce((sum, { channels }) => sum + channels, 0) };
  }

  /** Squeeze and excitation. */
  squeeze(input: Feature, inner: number, activation: Activation = 'relu'): Feature {
    const small = this.conv(this.globalPool(input), inner, { activation });
    const gate = this.conv(small, input.channels, { activation: 'sigmoid' });
    return { ...input, name: this.op('Mul', [input.name, gate.name]) };
  }

  /** A fully connected layer over [batch, channels] (4-D inputs are flattened; `inputs`: their size). */
  dense(input: string, inputs: number, outputs: number, activation: Activation = null): string {
    const scores = this.op('Gemm', [input, this.weight([outputs, inputs]), this.weight([outputs])], {
      int: { transB: 1 },
    });
    return this.activate(scores, activation);
  }

  classify(input: Feature, classes = 1000): string {
    return this.dense(this.op('Flatten', [this.globalPool(input).name]), input.channels, classes);
  }

  /** The file. Its only input is "image": batch × 3 × height × width, all but the channels left open. */
  write(outputs: string[]): Uint8Array {
    return buildOnnx({
      inputs: [{ name: IMAGE.name, shape: ['batch', IMAGE.channels, 'height', 'width'] }],
      initializers: this.initializers,
      nodes: this.nodes,
      outputs,
    });
  }
}

export const IMAGE: Feature = { name: 'image', channels: 3 };
