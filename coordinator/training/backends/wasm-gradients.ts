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

/** Registers the kernels for the backend `wasm`. */
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
  // Rows that no output reaches (a stride that does not divide the input) are cut off.
  const cut = tf.slice(
    x,
    [0, 0, 0, 0],
    [-1, inHeight + Math.min(0, bottom), inWidth + Math.min(0, right), -1],
  ) as tf.Tensor4D;
  const padded = tf.pad(cut, [
    [0, 0],
    [padInfo.top, Math.max(0, bottom)],
    [padInfo.left, Math.max(0, right)],
    [0, 0],
  ]) as tf.Tensor4D;
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

/** x [N,H,W,C], dy [N,Ho,Wo,C·M] → [Kh,Kw,C,M]: a sum of products per position of the filter */
function depthwiseFilterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor {
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth, outHeight, outWidth } = geometry(
    x.shape,
    filterShape,
    attributes,
    true,
  );
  const [batch, , , channels] = x.shape;
  const multiplier = filterShape[3];
  const { top, left, bottom, right } = padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const spread = tf.reshape(dy, [batch, outHeight, outWidth, channels, multiplier]);
  const perPosition: tf.Tensor[] = [];
  for (let row = 0; row < filterHeight; row++) {
    for (let column = 0; column < filterWidth; column++) {
      const end = [
        batch,
        row + (outHeight - 1) * strideHeight + 1,
        column + (outWidth - 1) * strideWidth + 1,
        channels,
      ];
      const seen = tf.stridedSlice(padded, [0, row, column, 0], end, [1, strideHeight, strideWidth, 1]);
      perPosition.push(tf.sum(tf.mul(tf.expandDims(seen, 4), spread), [0, 1, 2]));
    }
  }
  return tf.reshape(tf.stack(perPosition), filterShape);
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
  const [tall, wide] = [(height - 1) * strideHeight + 1, (width - 1) * strideWidth + 1];
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
    const joined = tf.reshape(apart, [batch, height * strideHeight, width * strideWidth, channels]);
    spread = tf.slice(joined, [0, 0, 0, 0], [batch, tall, wide, channels]) as tf.Tensor4D;
  }
  const [top, left] = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left];
  return tf.pad(spread, [
    [0, 0],
    [top, inHeight + filterHeight - 1 - tall - top],
    [left, inWidth + filterWidth - 1 - wide - left],
    [0, 0],
  ]) as tf.Tensor4D;
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
