/** The layers that the built-in networks are made of. */
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import * as tfl from '@tensorflow/tfjs-layers';

type Tensor = tfl.SymbolicTensor;

/** Layers with reproducible initial weights; every convolution is followed by batch normalisation and so has no bias. */
export class LayerFactory {
  /** A seed for each layer. */
  readonly nextSeed: () => number;

  constructor(seed: number) {
    this.nextSeed = congruential32(seed);
  }

  /** @param shape of one sample */
  input(shape: number[]): Tensor {
    return tfl.input({ shape });
  }

  model(inputs: Tensor, outputs: Tensor): tfl.LayersModel {
    return tfl.model({ inputs, outputs });
  }

  convolution(x: Tensor, filters: number, kernelSize: number | [number, number], strides: number): Tensor {
    const kernelInitializer = tfl.initializers.heNormal({ seed: this.nextSeed() });
    return this.#normalise(
      tfl.layers
        .conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, kernelInitializer })
        .apply(x) as Tensor,
    );
  }

  depthwise(x: Tensor, kernelSize: number, strides: number): Tensor {
    const depthwiseInitializer = tfl.initializers.heNormal({ seed: this.nextSeed() });
    return this.#normalise(
      tfl.layers
        .depthwiseConv2d({ kernelSize, strides, padding: 'same', useBias: false, depthwiseInitializer })
        .apply(x) as Tensor,
    );
  }

  /** One logit a class from the mean of every channel. */
  classify(x: Tensor, classes: number): Tensor {
    const pooled = tfl.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x) as Tensor;
    return this.dense(pooled, classes);
  }

  dense(x: Tensor, units: number, useBias = true): Tensor {
    const kernelInitializer = tfl.initializers.glorotUniform({ seed: this.nextSeed() });
    return tfl.layers.dense({ units, useBias, kernelInitializer }).apply(x) as Tensor;
  }

  relu(x: Tensor): Tensor {
    return tfl.layers.reLU().apply(x) as Tensor;
  }

  add(a: Tensor, b: Tensor): Tensor {
    return tfl.layers.add().apply([a, b]) as Tensor;
  }

  /** The identity, or a 1×1 convolution where the shape changes. */
  shortcut(x: Tensor, filters: number, stride: number): Tensor {
    return stride === 1 && x.shape.at(-1) === filters ? x : this.convolution(x, filters, 1, stride);
  }

  /** Momentum 0.9: rungs of few steps must already have usable statistics. */
  #normalise(x: Tensor): Tensor {
    return tfl.layers.batchNormalization({ momentum: 0.9 }).apply(x) as Tensor;
  }
}
