import { BallastError } from '../../errors.js';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Node } from '../../graph/model.js';
import { operatorOf } from '../../graph/operators/registry.js';
import { int64, type Tensor } from '../../graph/tensor.js';
import type { Active, Asset, InputDescription } from '../regularizer.js';

/** What `files` calls the teacher. */
export const TEACHER = 'teacher';

/** Which output of a teacher says what it knows, and how. */
export interface TeacherOutput {
  readonly name: string;
  readonly kind: 'logits' | 'probabilities';
}

/** The teacher of a run, out of what was read before it. @throws BallastError DISTILLATION_TEACHER */
export function teacherOf(active: readonly Active[], options: unknown): Asset {
  const asset = active.find((entry) => entry.options === options)?.assets?.get(TEACHER);
  if (asset !== undefined) return asset;
  throw new BallastError('distillation has no teacher', {
    code: 'DISTILLATION_TEACHER',
    place: 'regularizers',
    remedy: 'Name a model file with teacher: PATH, or write teacher: self',
  });
}

/**
 * The output with one score a class: the named one, else `logits`, else the first of float32.
 *
 * @throws BallastError DISTILLATION_OUTPUT
 */
export function outputOf({ graph }: Asset, wanted: string | undefined): TeacherOutput {
  const { outputs } = graph;
  const found =
    wanted === undefined
      ? (outputs.find(({ name }) => name === 'logits') ??
        outputs.find(({ name, type }) => /prob/i.test(name) && type === 'float32') ??
        outputs.find(({ type }) => type === 'float32'))
      : outputs.find(({ name }) => name === wanted);
  if (found === undefined) {
    throw new BallastError(`the teacher has no output ${wanted === undefined ? 'of scores' : `"${wanted}"`}`, {
      code: 'DISTILLATION_OUTPUT',
      place: 'regularizers',
      remedy: `Name one with output: its outputs are ${outputs.map(({ name }) => name).join(', ')}`,
    });
  }
  const last = graph.nodes.find((node) => node.outputs.includes(found.name));
  const squashed = last?.opType === 'Softmax' || /prob/i.test(found.name);
  return { name: found.name, kind: squashed ? 'probabilities' : 'logits' };
}

/**
 * Where each class of the student stands among the teacher's scores; undefined where the order is the same, or the teacher
 * names no classes.
 *
 * @throws BallastError DISTILLATION_CLASSES
 */
export function orderOfClasses({ classes }: Asset, ofStudent: readonly string[]): readonly number[] | undefined {
  if (classes === undefined) return undefined;
  const order = ofStudent.map((name) => classes.indexOf(name));
  if (order.includes(-1) || classes.length !== ofStudent.length) {
    throw new BallastError(
      `the teacher knows the classes ${classes.slice(0, 20).join(', ')}, and the data have ${ofStudent.slice(0, 20).join(', ')}`,
      {
        code: 'DISTILLATION_CLASSES',
        place: 'regularizers',
        remedy: 'Choose a teacher of the same classes (data.classes lists all of them, seen or not)',
      },
    );
  }
  return order.every((at, c) => at === c) ? undefined : order;
}

/** Whether the teacher can be part of the step: it takes encoded inputs, and every operator of it has a rule. */
export function seesBatches(asset: Asset, inputs: readonly InputDescription[], output: string): boolean {
  if (asset.raw !== undefined) return false;
  const graph = onlyOutput(asset.graph, output);
  const free = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const fits =
    free.every(({ name }) => inputs.some((input) => input.name === name)) || (free.length === 1 && inputs.length === 1);
  return fits && graph.nodes.every(known);
}

function known({ opType, domain }: Node): boolean {
  return ['Constant', 'Dropout'].includes(opType) || operatorOf(opType, domain) !== undefined;
}

/** What a teacher says of a batch: scores [batch, classes], and the input of its last weighted layer. */
export function runTeacher(
  b: GraphBuilder,
  { graph }: Pick<Asset, 'graph'>,
  inputs: Readonly<Record<string, Value>>,
  output: string,
): { scores: Value; features: Value | undefined } {
  const source = onlyOutput(graph, output);
  const free = source.inputs.filter(({ name }) => !source.initializers.has(name));
  const given = Object.values(inputs);
  const fed = Object.fromEntries(
    free.map(({ name }) => [name, inputs[name] ?? (free.length === 1 ? given[0] : undefined)]),
  ) as Record<string, Value>;
  const head = headOf(source);
  let features: Value | undefined;
  const results = b.detached(() =>
    inline(b, source, {
      inputs: fed,
      prefix: 'teacher.',
      replace: (node, nodeInputs) => {
        if (node === head && nodeInputs[0]?.shape.length === 2) features = nodeInputs[0];
        return node.opType === 'Dropout' ? [nodeInputs[0]!] : undefined;
      },
    }),
  );
  return { scores: results[output], features };
}

/** How many features the last weighted layer of a graph takes; undefined where there is no such layer. */
export function featureCountOf(graph: Graph, output: string): number | undefined {
  const source = onlyOutput(graph, output);
  const head = headOf(source);
  if (head === undefined) return undefined;
  const weight = source.initializers.get(head.inputs[1])!;
  const transposed = head.attributes.transB?.kind === 'int' && head.attributes.transB.value !== 0;
  return weight.shape[transposed ? 1 : 0];
}

function headOf({ nodes, initializers }: Graph): Node | undefined {
  return nodes.findLast(
    ({ opType, inputs }) =>
      (opType === 'Gemm' || opType === 'MatMul') && initializers.get(inputs[1])?.shape.length === 2,
  );
}

/** Scores as logits in the student's order of classes: [batch, classes]. @throws BallastError DISTILLATION_CLASSES */
export function asLogits(
  b: GraphBuilder,
  scores: Value,
  { kind, order, classes }: { kind: TeacherOutput['kind']; order: readonly number[] | undefined; classes: number },
): Value {
  refuseWidth(scores.shape.slice(1), classes);
  return b.detached(() => {
    const logits = kind === 'logits' ? scores : b.log(b.maximum(scores, LEAST));
    if (order === undefined) return logits;
    const indices: Tensor = int64([order.length], order);
    return b.gather(logits, b.constant(indices), 1);
  });
}

/** {@link asLogits} on the host, [rows, classes]. */
export function answersAsLogits(
  { width, data }: { width: number; data: Float32Array },
  { kind, order, classes }: { kind: TeacherOutput['kind']; order: readonly number[] | undefined; classes: number },
): Float32Array {
  refuseWidth([width], classes);
  return data.map((_, i) => {
    const at = Math.floor(i / classes) * classes + (order?.[i % classes] ?? i % classes);
    return kind === 'logits' ? data[at] : Math.log(Math.max(data[at], LEAST));
  });
}

/** Probabilities below count as this, so that their logarithm is one. */
const LEAST = 1e-7;

function refuseWidth(shape: readonly number[], classes: number): void {
  if (shape.length === 1 && shape[0] === classes) return;
  throw new BallastError(`the teacher gives [${shape}] scores a row, and the data have ${classes} classes`, {
    code: 'DISTILLATION_CLASSES',
    place: 'regularizers',
    remedy: 'Choose a teacher of the same classes, or another of its outputs with output: NAME',
  });
}

function onlyOutput(graph: Graph, name: string): Graph {
  return removeDeadCode({ ...graph, outputs: graph.outputs.filter((output) => output.name === name) });
}
