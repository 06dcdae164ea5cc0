/** Kinds of kernels: what costs alike is one kind. */
export const KERNEL_KINDS = [
  'convolution',
  'depthwise',
  'matmul',
  'recurrent',
  'pool',
  'elementwise',
  'normalise',
  'move',
  'quantise',
  'view',
] as const;
export type KernelKind = (typeof KERNEL_KINDS)[number];

const KINDS: Readonly<Record<Exclude<KernelKind, 'depthwise' | 'elementwise'>, string>> = {
  convolution: 'Conv FusedConv ConvInteger QLinearConv ConvTranspose DeformConv',
  matmul:
    'MatMul MatMulInteger QLinearMatMul DynamicQuantizeMatMul MatMulIntegerToFloat FusedMatMul Gemm FusedGemm QGemm Einsum Attention',
  recurrent: 'LSTM GRU RNN DynamicQuantizeLSTM',
  pool:
    'MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearAveragePool QLinearGlobalAveragePool ' +
    'GridSample RoiAlign NonMaxSuppression DFT STFT',
  normalise:
    'Softmax LogSoftmax Hardmax LpNormalization InstanceNormalization LayerNormalization GroupNormalization LRN ' +
    'MeanVarianceNormalization SimplifiedLayerNormalization SkipLayerNormalization QLinearSoftmax RMSNormalization CumSum CumProd TopK ArgMax ArgMin ' +
    'Unique TfIdfVectorizer NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss Det ' +
    'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare',
  move:
    'Transpose Concat QLinearConcat Slice Split Gather GatherElements GatherND ScatterElements ScatterND ReverseSequence ' +
    'Expand Tile Pad Resize Upsample DepthToSpace SpaceToDepth OneHot Range ConstantOfShape ' +
    'Scatter TensorScatter EyeLike Compress NonZero Col2Im CenterCropPad MaxUnpool',
  quantise: 'QuantizeLinear DequantizeLinear DynamicQuantizeLinear',
  view: 'Reshape Flatten Squeeze Unsqueeze Shape Size',
};

const KIND_OF = new Map(
  Object.entries(KINDS).flatMap(([kind, ops]) => ops.split(' ').map((op) => [op, kind as KernelKind] as const)),
);

/** Everything that is not listed works element by element. */
export function kernelKindOf(opType: string): KernelKind {
  return KIND_OF.get(opType) ?? 'elementwise';
}
