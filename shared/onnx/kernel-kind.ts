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
  convolution: 'Conv FusedConv ConvInteger QLinearConv ConvTranspose',
  matmul:
    'MatMul MatMulInteger QLinearMatMul DynamicQuantizeMatMul MatMulIntegerToFloat FusedMatMul Gemm FusedGemm QGemm Einsum Attention',
  recurrent: 'LSTM GRU RNN DynamicQuantizeLSTM',
  pool: 'MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearAveragePool QLinearGlobalAveragePool',
  normalise:
    'Softmax LogSoftmax Hardmax LpNormalization InstanceNormalization LayerNormalization GroupNormalization LRN ' +
    'MeanVarianceNormalization SimplifiedLayerNormalization SkipLayerNormalization QLinearSoftmax CumSum TopK ArgMax ArgMin ' +
    'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare',
  move:
    'Transpose Concat QLinearConcat Slice Split Gather GatherElements GatherND ScatterElements ScatterND ReverseSequence ' +
    'Expand Tile Pad Resize Upsample DepthToSpace SpaceToDepth OneHot Range ConstantOfShape',
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
