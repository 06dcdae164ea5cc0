/** Models of one operator that cannot be: what the reader says of each. ONNX Runtime refuses them too. */
import { data, list, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

export interface Refusal extends OperatorCase {
  /** What the reader says behind the node's name. */
  says: RegExp;
  /** ONNX Runtime does not refuse it, but ends the process: it is not asked. */
  endsTheProcess?: true;
}

function refusals(op: string, cases: readonly Partial<Refusal>[]): Refusal[] {
  return rows(op, { kind: 'none' }, cases as Refusal[]) as Refusal[];
}

const IMAGE = data([1, 4, 6, 6]);
const BLOCK = data([2, 3, 4]);

export const REFUSALS: readonly Refusal[] = [
  ...refusals('Conv', [
    {
      what: 'weights of another rank',
      inputs: [IMAGE, weight([2, 4, 3])],
      says: /data \[1,4,6,6\] and weights \[2,4,3\] do not fit each other/,
    },
    {
      what: 'nothing to move along',
      inputs: [data([1, 4]), weight([2, 4])],
      says: /data \[1,4\] and weights \[2,4\] do not fit each other/,
    },
    {
      what: 'channels that do not fit',
      inputs: [IMAGE, weight([2, 3, 3, 3])],
      says: /4 input channels, but weights for 3 × 1 groups/,
    },
    {
      what: 'groups that do not fit',
      inputs: [IMAGE, weight([2, 4, 3, 3])],
      attributes: { group: 2 },
      says: /4 input channels, but weights for 4 × 2 groups/,
    },
    {
      what: 'no groups',
      inputs: [data([1, 0, 6, 6]), weight([2, 4, 3, 3])],
      attributes: { group: 0 },
      endsTheProcess: true,
      says: /0 input channels, but weights for 4 × 0 groups/,
    },
    {
      what: 'a stride of 0',
      inputs: [IMAGE, weight([2, 4, 3, 3])],
      attributes: { strides: [1, 0] },
      says: /stride 0, dilation 1/,
    },
    {
      what: 'a dilation of 0',
      inputs: [IMAGE, weight([2, 4, 3, 3])],
      attributes: { dilations: [0, 1] },
      says: /stride 1, dilation 0/,
    },
    {
      what: 'a window that does not fit',
      inputs: [IMAGE, weight([2, 4, 3, 7])],
      says: /its window of 7 does not fit on an axis of 6/,
    },
    {
      what: 'a dilated window that does not fit',
      inputs: [IMAGE, weight([2, 4, 3, 3])],
      attributes: { dilations: [3, 1] },
      says: /its window of 7 does not fit on an axis of 6/,
    },
    { what: 'no weights', inputs: [IMAGE], says: /input 1 is missing/ },
  ]),
  ...refusals('ConvTranspose', [
    {
      what: 'weights of another rank',
      inputs: [IMAGE, weight([4, 2, 3])],
      says: /data \[1,4,6,6\] and weights \[4,2,3\] do not fit each other/,
    },
    {
      what: 'nothing to move along',
      inputs: [data([1, 4]), weight([4, 2])],
      says: /data \[1,4\] and weights \[4,2\] do not fit each other/,
    },
    {
      what: 'channels that do not fit',
      inputs: [IMAGE, weight([3, 2, 3, 3])],
      says: /data \[1,4,6,6\] and weights \[3,2,3,3\] do not fit each other/,
    },
    {
      what: 'pads that leave nothing',
      inputs: [data([1, 1, 2, 2]), weight([1, 1, 2, 2])],
      attributes: { pads: [2, 0, 1, 0] },
      says: /its output would be \[0,3\]/,
    },
  ]),
  ...refusals('MaxPool', [
    { what: 'no window', inputs: [IMAGE], says: /kernel_shape \[null\] on data \[1,4,6,6\]/ },
    {
      what: 'a window of another rank',
      inputs: [IMAGE],
      attributes: { kernel_shape: [2] },
      says: /kernel_shape \[2\] on data \[1,4,6,6\]/,
    },
  ]),
  ...refusals('MatMul', [
    {
      what: 'sizes that do not fit',
      inputs: [data([2, 3]), weight([4, 5])],
      says: /\[2,3\] × \[4,5\]: the inner sizes differ/,
    },
    {
      what: 'a single number first',
      inputs: [data([]), weight([1, 5])],
      says: /\[\] × \[1,5\]: the inner sizes differ/,
    },
    {
      what: 'a single number second',
      inputs: [data([5, 1]), scalar(1)],
      says: /\[5,1\] × \[\]: the inner sizes differ/,
    },
    { what: 'single numbers', inputs: [data([]), scalar(1)], says: /\[\] × \[\]: the inner sizes differ/ },
    {
      what: 'stacks that do not fit',
      inputs: [data([2, 3, 4]), data([3, 4, 5])],
      says: /\[2,3,4\] × \[3,4,5\]: the batch sizes differ/,
    },
  ]),
  ...refusals('Gemm', [
    { what: 'sizes that do not fit', inputs: [data([2, 3]), weight([4, 3])], says: /\[2,3\] × \[4,3\] do not fit/ },
    { what: 'a stack first', inputs: [data([2, 3, 4]), weight([3, 5])], says: /\[2,3,4\] × \[3,5\] do not fit/ },
    { what: 'a stack second', inputs: [data([2, 3]), weight([3, 5, 1])], says: /\[2,3\] × \[3,5,1\] do not fit/ },
  ]),
  ...refusals('Einsum', [
    {
      what: 'a term of another rank',
      inputs: [BLOCK],
      attributes: { equation: 'ij->i' },
      says: /term "ij" of "ij->i" on a tensor \[2,3,4\]/,
    },
    {
      what: 'letters for more axes than there are',
      inputs: [data([2])],
      attributes: { equation: 'i...j->i' },
      says: /the ellipses of "i\.\.\.j->i" stand for -1 axes/,
    },
    {
      what: 'ellipses of unlike ranks',
      inputs: [data([5, 6, 2, 3]), data([6, 3, 4])],
      attributes: { equation: '...ij,...jk->...ik' },
      says: /the ellipses of "...ij,...jk->...ik" stand for 2 and 1 axes/,
    },

    {
      what: 'a letter of two sizes',
      inputs: [data([2, 3]), data([4, 5])],
      attributes: { equation: 'ij,jk->ik' },
      says: /"j" of "ij,jk->ik" is 3 and 4/,
    },
    {
      what: 'a letter that comes from nowhere',
      inputs: [data([2, 3])],
      attributes: { equation: 'ij->iz' },
      says: /"z" of "ij->iz" is in no factor/,
    },
  ]),
  ...refusals('Attention', [
    {
      what: 'weights that are not three of a size',
      domain: 'com.microsoft',
      inputs: [data([1, 4, 6]), weight([6, 20]), weight([20])],
      attributes: { num_heads: 2 },
      says: /data \[1,4,6\] with weights for 20 features/,
    },
    {
      what: 'data without a batch',
      domain: 'com.microsoft',
      inputs: [data([4, 6]), weight([6, 18]), weight([18])],
      attributes: { num_heads: 2 },
      says: /data \[4,6\] with weights for 18 features/,
    },
  ]),
  ...refusals('GRU', [
    {
      what: 'data without a batch',
      inputs: [data([5, 3]), weight([1, 12, 3]), weight([1, 12, 4])],
      attributes: { hidden_size: 4 },
      says: /data \[5,3\], hidden_size 4/,
    },
    {
      what: 'no hidden_size',
      inputs: [data([5, 2, 3]), weight([1, 12, 3]), weight([1, 12, 4])],
      says: /data \[5,2,3\], hidden_size 0/,
    },
  ]),
  ...refusals('Add', [
    {
      what: 'sizes that do not fit',
      inputs: [data([2, 3]), data([2, 4])],
      says: /shapes \[2,3\] and \[2,4\] do not broadcast/,
    },
    { what: 'one alone', inputs: [data([2, 3]), null], says: /input 1 is missing/ },
  ]),
  ...refusals('Cast', [
    { what: 'to type 0', inputs: [BLOCK], attributes: { to: 0 }, says: /its "to" is 0, which is no type/ },
    {
      what: 'to a type that is not known',
      inputs: [BLOCK],
      attributes: { to: 77 },
      says: /its "to" is 77, which is no type/,
    },
    { what: 'to nothing', inputs: [BLOCK], says: /its "to" is 0, which is no type/ },
  ]),
  ...refusals('Relu', [
    { what: 'a second output', inputs: [BLOCK], outputs: [true, true], says: /it has no output 1/ },
  ]),
  ...refusals('LayerNormalization', [
    {
      what: 'an axis that is not there',
      inputs: [BLOCK, weight([4])],
      attributes: { axis: 3 },
      says: /axis 3 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('Reshape', [
    { what: 'too many elements', inputs: [BLOCK, list([5, 5])], says: /\[2,3,4\] does not reshape to \[5,5\]/ },
    {
      what: 'a rest that does not come out even',
      inputs: [BLOCK, list([5, -1])],
      says: /\[2,3,4\] does not reshape to \[5,-1\]/,
    },
    { what: 'two rests', inputs: [data([1]), list([-1, -1])], says: /\[1\] does not reshape to \[-1,-1\]/ },
    { what: 'a negative size', inputs: [BLOCK, list([-2, -12])], says: /\[2,3,4\] does not reshape to \[-2,-12\]/ },
    { what: 'a size of nothing', inputs: [data([4]), list([4, 0])], says: /\[4\] does not reshape to \[4,0\]/ },
  ]),
  ...refusals('Flatten', [
    { what: 'behind the end', inputs: [BLOCK], attributes: { axis: 4 }, says: /axis 4 of a tensor with 3 axes/ },
    {
      what: 'before the beginning',
      inputs: [BLOCK],
      attributes: { axis: -4 },
      says: /axis -4 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('Squeeze', [
    { what: 'an axis that is not of 1', inputs: [BLOCK, list([1])], says: /axis 1 of \[2,3,4\] is not of size 1/ },
    { what: 'an axis that is not there', inputs: [data([1, 2]), list([2])], says: /axis 2 of a tensor with 2 axes/ },
  ]),
  ...refusals('Unsqueeze', [
    { what: 'an axis that is not there', inputs: [data([2, 3]), list([3])], says: /axis 3 of a tensor with 3 axes/ },
    { what: 'an axis twice', inputs: [data([2, 3]), list([0, -4])], says: /axes \[0,-4\] name one twice/ },
  ]),
  ...refusals('Transpose', [
    {
      what: 'axes left out',
      inputs: [BLOCK],
      attributes: { perm: [1, 0] },
      says: /perm \[1,0\] on a tensor \[2,3,4\]/,
    },
    {
      what: 'an axis twice',
      inputs: [BLOCK],
      attributes: { perm: [0, 1, 1] },
      says: /perm \[0,1,1\] on a tensor \[2,3,4\]/,
    },
  ]),
  ...refusals('Concat', [
    { what: 'no axis', inputs: [data([2]), data([3])], says: /its attribute "axis" is missing/ },
    {
      what: 'parts of unlike ranks',
      inputs: [data([2, 3]), data([2, 3, 1])],
      attributes: { axis: 0 },
      says: /\[2,3\] and \[2,3,1\] do not join along axis 0/,
    },
    {
      what: 'parts that do not fit',
      inputs: [data([2, 3]), data([2, 4])],
      attributes: { axis: 0 },
      says: /\[2,3\] and \[2,4\] do not join along axis 0/,
    },
    {
      what: 'an axis that is not there',
      inputs: [BLOCK],
      attributes: { axis: 3 },
      says: /axis 3 of a tensor with 3 axes/,
    },
    {
      what: 'an axis before the first',
      inputs: [BLOCK],
      attributes: { axis: -4 },
      says: /axis -4 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('Slice', [
    { what: 'a step of 0', inputs: [BLOCK, list([0]), list([1]), list([0]), list([0])], says: /a step of 0/ },
    {
      what: 'an axis that is not there',
      inputs: [BLOCK, list([0]), list([1]), list([3])],
      says: /axis 3 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('Split', [
    {
      what: 'sizes that do not add up',
      inputs: [BLOCK, list([1, 1])],
      attributes: { axis: 1 },
      outputs: [true, true],
      says: /an axis of 3 does not split into \[1,1\]/,
    },
    {
      what: 'sizes for other outputs',
      inputs: [BLOCK, list([1, 1, 1])],
      attributes: { axis: 1 },
      outputs: [true, true],
      says: /an axis of 3 does not split into \[1,1,1\]/,
    },
  ]),
  ...refusals('Gather', [
    {
      what: 'a constant before the first',
      inputs: [BLOCK, list([-4])],
      attributes: { axis: 1 },
      says: /index -4 of an axis of 3/,
    },
    { what: 'a constant that is not there', inputs: [list([5, 6]), list([2])], says: /index 2 of an axis of 2/ },
    {
      what: 'an axis that is not there',
      inputs: [BLOCK, list([0])],
      attributes: { axis: 3 },
      says: /axis 3 of a tensor with 3 axes/,
    },
    {
      what: 'of a single number',
      inputs: [data([]), list([1])],
      attributes: { axis: 1 },
      says: /axis 1 of a tensor with 0 axes/,
    },
  ]),
  ...refusals('GatherND', [
    {
      what: 'more indices than axes',
      inputs: [data([2, 3]), data([1, 3], 'int64', 0)],
      says: /3 indices for a tensor \[2,3\]/,
    },
    {
      what: 'more indices than axes within a batch',
      inputs: [data([2, 3]), data([2, 2], 'int64', 0)],
      attributes: { batch_dims: 1 },
      says: /2 indices for a tensor \[2,3\]/,
    },
  ]),
  ...refusals('Expand', [
    {
      what: 'sizes that do not fit',
      inputs: [data([2, 3]), list([2, 4])],
      says: /shapes \[2,3\] and \[2,4\] do not broadcast/,
    },
  ]),
  ...refusals('Expand', [
    { what: 'a negative size', inputs: [list([7]), list([-2])], says: /its output would be \[-2\]/ },
  ]),
  ...refusals('Pad', [
    {
      what: 'more cut off than there is',
      inputs: [data([2, 3]), list([-2, 0, -1, 0])],
      says: /pads \[-2,0,-1,0\] on a tensor \[2,3\]/,
    },
  ]),
  ...refusals('Pad', [
    { what: 'pads of other axes', inputs: [data([2, 3]), list([1, 1])], says: /pads \[1,1\] on a tensor \[2,3\]/ },
  ]),
  ...refusals('Resize', [
    {
      what: 'scales for other axes',
      inputs: [data([1, 2, 4, 5]), null, list([1, 2], 'float32')],
      says: /scales \[1,2\] for axes \[0,1,2,3\] of a tensor \[1,2,4,5\]/,
    },
    {
      what: 'sizes for other axes',
      inputs: [data([1, 2, 4, 5]), null, null, list([7, 7])],
      says: /sizes \[7,7\] for axes \[0,1,2,3\] of a tensor \[1,2,4,5\]/,
    },
    {
      what: 'neither scales nor sizes',
      inputs: [data([1, 2, 4, 5])],
      says: /scales \[\] for axes \[0,1,2,3\] of a tensor \[1,2,4,5\]/,
    },
  ]),
  ...refusals('Upsample', [
    {
      what: 'scales for other axes',
      opset: 9,
      inputs: [data([1, 2, 4, 5]), list([1, 2], 'float32')],
      says: /scales \[1,2\] on a tensor \[1,2,4,5\]/,
    },
  ]),
  ...refusals('DepthToSpace', [
    {
      what: 'channels that do not come out even',
      inputs: [data([1, 6, 2, 2])],
      attributes: { blocksize: 2 },
      says: /blocks of 2 in \[1,6,2,2\]/,
    },
    { what: 'another rank', inputs: [data([1, 4, 2])], attributes: { blocksize: 2 }, says: /blocks of 2 in \[1,4,2\]/ },
  ]),
  ...refusals('SpaceToDepth', [
    { what: 'no size of blocks', inputs: [data([1, 1, 4, 4])], says: /its attribute "blocksize" is missing/ },
    {
      what: 'rows that do not come out even',
      inputs: [data([1, 1, 3, 4])],
      attributes: { blocksize: 2 },
      says: /blocks of 2 in \[1,1,3,4\]/,
    },
  ]),
  ...refusals('ConstantOfShape', [
    { what: 'a negative size', inputs: [list([-1, 2])], says: /its output would be \[-1,2\]/ },
  ]),
  ...refusals('Range', [
    {
      what: 'that never ends',
      inputs: [scalar(0, 'int64'), scalar(5, 'int64'), scalar(0, 'int64')],
      says: /from 0 to 5 by 0/,
    },
  ]),
  ...refusals('OneHot', [
    {
      what: 'an axis that is not there',
      inputs: [data([2, 3], 'int64'), list([5]), list([0, 1], 'float32')],
      attributes: { axis: 3 },
      says: /axis 3 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('ReduceSum', [
    { what: 'an axis that is not there', inputs: [BLOCK, list([3])], says: /axis 3 of a tensor with 3 axes/ },
    { what: 'an axis before the first', inputs: [BLOCK, list([-4])], says: /axis -4 of a tensor with 3 axes/ },
  ]),
  ...refusals('ArgMax', [
    {
      what: 'an axis that is not there',
      inputs: [BLOCK],
      attributes: { axis: 3 },
      says: /axis 3 of a tensor with 3 axes/,
    },
  ]),
  ...refusals('TopK', [
    {
      what: 'an axis that is not there',
      inputs: [BLOCK, list([1])],
      outputs: [true, true],
      attributes: { axis: -4 },
      says: /axis -4 of a tensor with 3 axes/,
    },
  ]),
];

/** Shapes that are computed from data: ONNX Runtime finds them while it runs, the reader cannot know them before. */
export const OF_THE_DATA: readonly Refusal[] = [
  ['Reshape', [BLOCK, data([1], 'int64', 24)]],
  ['Expand', [BLOCK, data([1], 'int64', 1)]],
  ['Tile', [data([2]), data([1], 'int64', 2)]],
  ['ConstantOfShape', [data([1], 'int64', 3)]],
  ['Slice', [BLOCK, data([1], 'int64', 0), list([1])]],
  ['Slice', [BLOCK, list([0]), data([1], 'int64', 1)]],
  ['Pad', [data([2]), data([2], 'int64', 1)]],
  ['Resize', [data([1, 2]), null, data([2], 'float32', 1)]],
  ['Resize', [data([1, 2]), null, null, data([2], 'int64', 1)]],
  ['TopK', [data([2]), data([1], 'int64', 1)]],
  ['Range', [scalar(0, 'int64'), data([], 'int64', 2), scalar(1, 'int64')]],
  ['OneHot', [data([2], 'int64'), data([], 'int64', 2), list([0, 1], 'float32')]],
  ['Unsqueeze', [BLOCK, data([1], 'int64', 0)]],
].map(([op, inputs], index) => ({
  op: op as string,
  what: `${index}`,
  kind: 'none' as const,
  inputs: inputs as OperatorCase['inputs'],
  outputs: op === 'TopK' ? [true, true] : [true],
  says: /decides a shape but depends on the data; a simulated board cannot size it/,
}));
