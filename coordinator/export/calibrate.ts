/** Runs a float model on samples and notes what its inner values are like. */
import type { Tensor } from 'onnxruntime-node';
import { encodeOnnx, type OnnxMessage } from './encode-onnx.ts';
import { FreeNames, int64s, intAttribute, intsAttribute, opsetOfModel, TYPE } from './graph-edit.ts';
import { type Feeds, loadSession } from './run-onnx.ts';

/** What is noted of a tensor. */
export interface Question {
  tensor: string;
  /** Of all values together, or of each index along this axis alone. */
  axis: number | null;
  statistics: readonly Statistic[];
}
export type Statistic = 'Min' | 'Max' | 'Mean';

/** Of each batch: one number, or one for each index along the axis that was asked for. */
export type Observed = Partial<Record<Statistic, Float64Array[]>>;

/** Axes are an input of the reducing operators since this set, an attribute before. */
const AXES_AS_INPUT_OPSET = 18;

/**
 * How many axes tensors have.
 * @param model the decoded model; it is left as it is @throws {Error} where the model does not run
 */
export async function ranksOf(
  model: OnnxMessage,
  tensors: readonly string[],
  feeds: Feeds,
): Promise<Map<string, number>> {
  const names = new FreeNames(model.graph as OnnxMessage);
  const probes = tensors.map((tensor) => ({ tensor, output: names.take(`${tensor}_rank`) }));
  const nodes = probes.map(({ tensor, output }) => ({ opType: 'Shape', inputs: [tensor], outputs: [output] }));
  const [results = {}] = await answers(model, { nodes, initializers: [], dataType: TYPE.int64 }, [feeds]);
  return new Map(probes.map(({ tensor, output }) => [tensor, (results[output] as Tensor).dims[0] as number]));
}

/**
 * Smallest, largest and mean values of float32 tensors in each batch.
 * @param model the decoded model; it is left as it is
 * @param ranks of those that are asked for along an axis
 * @throws {Error} where the model does not run, or a value is not finite
 */
export async function observe(
  model: OnnxMessage,
  questions: readonly Question[],
  ranks: ReadonlyMap<string, number>,
  batches: readonly Feeds[],
): Promise<Map<Question, Observed>> {
  const graph = model.graph as OnnxMessage;
  const names = new FreeNames(graph);
  const asInput = opsetOfModel(model) >= AXES_AS_INPUT_OPSET;
  const initializers: OnnxMessage[] = [];
  const probes = questions.flatMap((question, index) =>
    question.statistics.map((statistic) => {
      const { tensor, axis } = question;
      const output = names.take(`edgetune_${statistic}_${index}`);
      const axes = axis === null ? null : allBut(axis, ranks.get(tensor) as number);
      const node = { opType: `Reduce${statistic}`, inputs: [tensor], outputs: [output] };
      const attributes = [intAttribute('keepdims', 0)];
      if (axes?.length === 0) return { question, statistic, output, node: { ...node, opType: 'Identity' } };
      if (axes && asInput) {
        initializers.push(int64s(names.take(`${output}_axes`), axes));
        node.inputs.push(initializers.at(-1)?.name as string);
      } else if (axes) attributes.push(intsAttribute('axes', axes));
      return { question, statistic, output, node: { ...node, attributes } };
    }),
  );
  const results = await answers(
    model,
    { nodes: probes.map(({ node }) => node), initializers, dataType: TYPE.float },
    batches,
  );
  const observed = new Map<Question, Observed>();
  for (const { question, statistic, output } of probes) {
    const each = results.map((result) => Float64Array.from((result[output] as Tensor).data as Float32Array));
    const found = each.flatMap((values) => values.find((value) => !Number.isFinite(value)) ?? []);
    if (found.length > 0) throw new Error(`"${question.tensor}" becomes ${found[0]} on a calibration sample`);
    observed.set(question, { ...observed.get(question), [statistic]: each });
  }
  return observed;
}

/** @param axis from the front, or from the back where it is negative */
function allBut(axis: number, rank: number): number[] {
  return Array.from({ length: rank }, (_, at) => at).filter((at) => at !== (axis + rank) % rank);
}

/** What nodes that are added to a model hand out, one result for each batch. @param dataType of every output */
async function answers(
  model: OnnxMessage,
  { nodes, initializers, dataType }: { nodes: OnnxMessage[]; initializers: OnnxMessage[]; dataType: number },
  batches: readonly Feeds[],
): Promise<Record<string, Tensor>[]> {
  const graph = model.graph as OnnxMessage;
  const names = nodes.flatMap(({ outputs }) => outputs as string[]);
  if (names.length === 0) return batches.map(() => ({}));
  const type = { tensor: { elementType: dataType, shape: {} } };
  const session = await loadSession(
    encodeOnnx({
      ...model,
      graph: {
        ...graph,
        nodes: [...(graph.nodes as OnnxMessage[]), ...nodes],
        initializers: [...((graph.initializers ?? []) as OnnxMessage[]), ...initializers],
        outputs: [...(graph.outputs as OnnxMessage[]), ...names.map((name) => ({ name, type }))],
      },
    }),
  );
  try {
    const results: Record<string, Tensor>[] = [];
    for (const feeds of batches) results.push((await session.run(feeds, names)) as Record<string, Tensor>);
    return results;
  } finally {
    await session.release();
  }
}
