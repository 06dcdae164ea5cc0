/**
 * Gradient kernels that TensorFlow.js' WASM backend lacks or has only in a naive form, composed from its fast
 * convolution: the gradient of a convolution by its filter is a convolution of the input by the output's gradient with
 * batch and channels exchanged (dilated by the stride); the gradient by its input is a convolution of the dilated
 * output gradient by the flipped filter (Dumoulin & Visin, "A guide to convolution arithmetic", 2016, chapter 4).
 */
import * as tf from '@tensorflow/tfjs-core';

type Kernel = (args: { inputs: Record<string, tf.Tensor>; attrs: Record<string, never> }) => tf.Tensor;
type Shape4D = [number, number, number, number];
interface ConvAttributes {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dilations?: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Registers the kernels for the backend `wasm`, and a gradient of batch normalisation that does not copy its operands. */
export function registerWasmGradients(): void {
  const kernels: Record<string, Kernel> = {
    Conv2DBackpropFilter: ({ inputs, attrs }) => {
      const { filterShape, ...conv } = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
      return conv2dFilterGradient(inputs.x as tf.Tensor4D, inputs.dy as tf.Tensor4D, filterShape, conv);
    },
    Conv2DBackpropInput: ({ inputs, attrs }) => {
      const { inputShape, ...conv } = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
      return conv2dInputGradient(inputs.dy as tf.Tensor4D, inputs.filter as tf.Tensor4D, inputShape, conv);
    },
    DepthwiseConv2dNativeBackpropFilter: ({ inputs, attrs }) => {
      const { filterShape, ...conv } = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
      return depthwiseFilterGradient(inputs.x as tf.Tensor4D, inputs.dy as tf.Tensor4D, filterShape, conv);
    },
    DepthwiseConv2dNativeBackpropInput: ({ inputs, attrs }) => {
      const { inputShape, ...conv } = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
      return depthwiseInputGradient(inputs.dy as tf.Tensor4D, inputs.filter as tf.Tensor4D, inputShape, conv);
    },
    UnsortedSegmentSum: ({ inputs, attrs }) => {
      const { numSegments } = attrs as unknown as { numSegments: number };
      return unsortedSegmentSum(inputs.x as tf.Tensor, inputs.segmentIds as tf.Tensor, numSegments);
    },
  };
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
    const kernelFunc = (args: unknown) => tf.tidy(() => kernel(args as never));
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: kernelFunc as unknown as tf.KernelFunc });
  }
  tf.unregisterGradient('FusedBatchNorm');
  tf.registerGradient({
    kernelName: 'FusedBatchNorm',
    inputsToSave: ['x', 'mean', 'variance', 'scale'],
    gradFunc: (dy, saved, attrs) =>
      batchNormGradient(dy as tf.Tensor, saved, attrs as unknown as { varianceEpsilon: number }),
  });
}

/**
 * y = (x − mean) · scale / √(variance + ε) + offset, per channel. TensorFlow.js' own gradient tiles the statistics to
 * the size of x, which takes most of a training step on this backend; broadcasting and two sums are enough.
 */
function batchNormGradient(dy: tf.Tensor, saved: tf.Tensor[], { varianceEpsilon }: { varianceEpsilon: number }) {
  const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | undefined];
  const channels = x.shape.at(-1) as number;
  const inverse = tf.rsqrt(tf.add(variance, varianceEpsilon));
  const factor = scale ? tf.mul(inverse, scale) : inverse;
  // Here, not in the functions below: each of those disposes of what it makes on the way.
  const sums = columnSums(dy, channels);
  const products = columnSums(tf.mul(dy, tf.sub(x, mean)), channels);
  return {
    x: () => tf.mul(dy, factor),
    mean: () => tf.neg(tf.mul(sums, factor)),
    variance: () => tf.mul(tf.mul(products, factor), tf.mul(tf.square(inverse), -0.5)),
    scale: () => tf.mul(products, inverse),
    offset: () => tf.clone(sums),
  };
}

/** Sums over all axes but the last, as a product with ones: much faster than the backend's reduction. */
function columnSums(x: tf.Tensor, channels: number): tf.Tensor {
  const rows = x.size / channels;
  return tf.reshape(tf.matMul(tf.ones([1, rows]), tf.reshape(x, [rows, channels])), [channels]);
}

function geometry(
  inputShape: Shape4D,
  filterShape: Shape4D,
  { strides, pad, dilations, dimRoundingMode }: ConvAttributes,
  depthwise = false,
) {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1) {
    throw new Error('EdgeTune trains no dilated convolutions on the WASM backend');
  }
  return info;
}

/** x [N,H,W,Ci], dy [N,Ho,Wo,Co] → [Kh,Kw,Ci,Co] */
function conv2dFilterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor {
  const info = geometry(x.shape, filterShape, attributes);
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth } =
    info;
  const [heightNeeded, widthNeeded] = [
    (outHeight - 1) * strideHeight + filterHeight,
    (outWidth - 1) * strideWidth + filterWidth,
  ];
  const bottom = heightNeeded - inHeight - padInfo.top;
  const right = widthNeeded - inWidth - padInfo.left;
  const padded = padOrCut(x, [padInfo.top, bottom], [padInfo.left, right]);
  const channelsAsBatch = tf.transpose(padded, [3, 1, 2, 0]) as tf.Tensor4D;
  const gradientAsFilter = tf.transpose(dy, [1, 2, 0, 3]) as tf.Tensor4D;
  const gradient = tf.conv2d(channelsAsBatch, gradientAsFilter, 1, 'valid', 'NHWC', [strideHeight, strideWidth]);
  return tf.transpose(gradient, [1, 2, 0, 3]);
}

/** dy [N,Ho,Wo,Co], filter [Kh,Kw,Ci,Co] → [N,H,W,Ci] */
function conv2dInputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  inputShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor {
  const spread = spreadGradient(dy, geometry(inputShape, filter.shape, attributes));
  const flipped = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]) as tf.Tensor4D;
  return tf.conv2d(spread, flipped, 1, 'valid');
}

/**
 * x [N,H,W,C], dy [N,Ho,Wo,C·M] → [Kh,Kw,C,M]: one depthwise convolution in which each sample's channel is a channel of
 * its own and the output's gradient is the filter; then a sum over the samples.
 */
function depthwiseFilterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor {
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth } =
    geometry(x.shape, filterShape, attributes, true);
  const [samples, , , channels] = x.shape;
  const multiplier = filterShape[3];
  const bottom = (outHeight - 1) * strideHeight + filterHeight - inHeight - padInfo.top;
  const right = (outWidth - 1) * strideWidth + filterWidth - inWidth - padInfo.left;
  const padded = padOrCut(x, [padInfo.top, bottom], [padInfo.left, right]);
  const [, height, width] = padded.shape;
  const input = tf.reshape(tf.transpose(padded, [1, 2, 0, 3]), [1, height, width, samples * channels]) as tf.Tensor4D;
  const filter = tf.reshape(tf.transpose(dy, [1, 2, 0, 3]), [
    outHeight,
    outWidth,
    samples * channels,
    multiplier,
  ]) as tf.Tensor4D;
  const perSample = tf.depthwiseConv2d(input, filter, 1, 'valid', 'NHWC', [strideHeight, strideWidth]);
  const shape = [filterHeight * filterWidth, samples, channels * multiplier];
  return tf.reshape(tf.sum(tf.reshape(perSample, shape), 1), filterShape);
}

/** Zeros before and after the rows and columns; a negative number after them cuts off what no output reaches. */
function padOrCut(x: tf.Tensor4D, rows: [before: number, after: number], columns: [before: number, after: number]) {
  const [samples, height, width, channels] = x.shape;
  const [cutRows, cutColumns] = [Math.min(0, rows[1]), Math.min(0, columns[1])];
  const cut =
    cutRows || cutColumns ? tf.slice(x, [0, 0, 0, 0], [samples, height + cutRows, width + cutColumns, channels]) : x;
  const pads: [number, number][] = [
    [0, 0],
    [rows[0], Math.max(0, rows[1])],
    [columns[0], Math.max(0, columns[1])],
    [0, 0],
  ];
  return (pads.flat().some((pad) => pad > 0) ? tf.pad(cut, pads) : cut) as tf.Tensor4D;
}

/** dy [N,Ho,Wo,C·M], filter [Kh,Kw,C,M] → [N,H,W,C]: a depthwise convolution for each of the M filters of a channel */
function depthwiseInputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  inputShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor {
  const info = geometry(inputShape, filter.shape, attributes, true);
  const [rows, columns, channels, multiplier] = filter.shape;
  const [batch, height, width] = dy.shape;
  const flipped = tf.reverse(filter, [0, 1]);
  const byFilter = tf.reshape(dy, [batch, height, width, channels, multiplier]);
  const parts = Array.from({ length: multiplier }, (_, index) => {
    const part = tf.reshape(tf.slice(byFilter, [0, 0, 0, 0, index], [-1, -1, -1, -1, 1]), [
      batch,
      height,
      width,
      channels,
    ]) as tf.Tensor4D;
    const one = tf.slice(flipped, [0, 0, 0, index], [rows, columns, channels, 1]) as tf.Tensor4D;
    return tf.depthwiseConv2d(spreadGradient(part, info), one, 1, 'valid');
  });
  return parts.length === 1 ? (parts[0] as tf.Tensor) : tf.addN(parts);
}

/** The output's gradient with stride − 1 zeros between its values, padded so that a `valid` convolution gives the input's size. */
function spreadGradient(dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth, inHeight, inWidth } = info;
  const [batch, height, width, channels] = dy.shape;
  // Zeros behind the last value, too: they are part of the padding, cut off only where it is narrower than they.
  const [tall, wide] = [height * strideHeight, width * strideWidth];
  let spread = dy;
  if (strideHeight > 1 || strideWidth > 1) {
    const apart = tf.pad(tf.reshape(dy, [batch, height, 1, width, 1, channels]), [
      [0, 0],
      [0, 0],
      [0, strideHeight - 1],
      [0, 0],
      [0, strideWidth - 1],
      [0, 0],
    ]);
    spread = tf.reshape(apart, [batch, tall, wide, channels]) as tf.Tensor4D;
  }
  const [top, left] = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left];
  return padOrCut(
    spread,
    [top, inHeight + filterHeight - 1 - tall - top],
    [left, inWidth + filterWidth - 1 - wide - left],
  );
}

/** Sums the rows of x whose segment id is s into row s; ids outside the range are dropped, as TensorFlow does. */
function unsortedSegmentSum(x: tf.Tensor, segmentIds: tf.Tensor, numSegments: number): tf.Tensor {
  const rowShape = x.shape.slice(segmentIds.rank);
  const rowSize = rowShape.reduce((size, length) => size * length, 1);
  const [values, ids] = [x.dataSync(), segmentIds.dataSync()];
  const sums = new Float32Array(numSegments * rowSize);
  for (const [row, id] of ids.entries()) {
    if (id < 0 || id >= numSegments) continue;
    for (let i = 0; i < rowSize; i++) {
      const at = id * rowSize + i;
      sums[at] = (sums[at] as number) + (values[row * rowSize + i] as number);
    }
  }
  return tf.tensor(sums, [numSegments, ...rowShape], 'float32');
}
