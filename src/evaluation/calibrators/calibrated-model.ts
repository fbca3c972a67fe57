import { NodeList } from '../../data/preprocess/node-list.js';
import { BallastError } from '../../errors.js';
import { type Attribute, type Graph, int, type Model, type Node, type ValueInfo } from '../../graph/model.js';
import { type DataType, sizeOf, type Tensor } from '../../graph/tensor.js';
import { type CalibrationMap, type ClassMap, TINY } from './calibrator.js';

/** `TensorProto.DataType` of the two kinds of scores. */
const TYPE_CODE: Readonly<Partial<Record<DataType, number>>> = { float32: 1, float64: 11, float16: 10 };

/**
 * The model with a calibration map behind one output, under the same name and of the same kind: logits become logits
 * whose softmax is calibrated, probabilities become calibrated ones. What the model makes of that output (probabilities,
 * labels) is made of the calibrated one. The arithmetic is float64, as that of `applyCalibration`.
 *
 * @throws BallastError CALIBRATE_OUTPUT where the output is not a float tensor of that name
 */
export function withCalibration(
  model: Model,
  output: { readonly name: string; readonly kind: 'logits' | 'probabilities' },
  map: CalibrationMap,
  classes: number,
): Model {
  const info = model.graph.outputs.find(({ name }) => name === output.name);
  const code = info === undefined ? undefined : TYPE_CODE[info.type];
  const { nodes } = model.graph;
  const source = sourceOf(nodes, output.name);
  const producer = nodes.findIndex(({ outputs }) => outputs.includes(source));
  if (info === undefined || code === undefined || producer < 0) {
    throw new BallastError(`"${output.name}" is not an output of scores`, {
      code: 'CALIBRATE_OUTPUT',
      remedy: `Outputs are ${model.graph.outputs.map(({ name, type }) => `${name} (${type})`).join(', ')}`,
    });
  }
  // A model may be calibrated again.
  const times = nodes.filter(({ name }) => /^calibration\d+\.Cast_1$/.test(name)).length + 1;
  const raw = `${source}.uncalibrated${times}`;
  const list = new CalibrationNodes(`calibration${times}.`);
  // One column is the score of the second of two classes.
  const single = classes === 2 && info.shape?.length !== 2 ? 1 : info.shape?.at(-1);
  const width = single === 1 ? 1 : classes;
  const wide = list.op('Cast', [raw], { to: int(11) });
  const scores = list.op('Reshape', [wide, list.integers([-1, width])]);
  const calibrated = width === 1 ? list.single(scores, output.kind, map) : list.many(scores, output.kind, map, classes);
  const shaped = info.shape?.length === 1 ? list.op('Reshape', [calibrated, list.integers([-1])]) : calibrated;
  list.name('Cast', [shaped], source, { to: int(code) });
  const graph: Graph = {
    ...model.graph,
    initializers: new Map([...model.graph.initializers, ...list.initializers]),
    nodes: [
      ...nodes.slice(0, producer),
      {
        ...nodes[producer],
        outputs: nodes[producer].outputs.map((name) => (name === source ? raw : name)),
      },
      ...list.nodes,
      ...nodes.slice(producer + 1),
    ],
    valueInfo: new Map([...model.graph.valueInfo, [raw, { ...info, name: raw } satisfies ValueInfo]]),
  };
  return { ...model, graph };
}

/** The value that an output is a copy of: whatever else is made of it is then calibrated too. */
export function sourceOf(nodes: readonly Node[], name: string): string {
  const node = nodes.find(({ outputs }) => outputs.includes(name));
  const above = node?.opType === 'Identity' ? node.inputs[0] : undefined;
  return above !== undefined && nodes.some(({ outputs }) => outputs.includes(above)) ? sourceOf(nodes, above) : name;
}

class CalibrationNodes extends NodeList {
  #doubles(shape: readonly number[], values: readonly number[]): string {
    const data: Tensor = { type: 'float64', shape, data: Float64Array.from(values) };
    if (values.length !== sizeOf(shape)) throw new Error('values do not fill the shape');
    return this.constant(data);
  }

  #scalar(value: number): string {
    return this.#doubles([], [value]);
  }

  /** [N, classes] of either kind to the same kind. */
  many(x: string, kind: 'logits' | 'probabilities', map: CalibrationMap, classes: number): string {
    const scores = kind === 'logits' ? x : this.#log(x);
    if (map.kind !== 'classes') {
      const scaled = this.#scaled(scores, map, classes);
      return kind === 'logits' ? scaled : this.#softmax(scaled);
    }
    const p = this.#softmax(scores);
    const q = classes === 2 ? this.#pair(p, map.maps[0]) : this.#normalized(this.#mapped(p, map.maps), classes);
    return kind === 'logits' ? this.#log(q) : q;
  }

  /** [N, 1]: the logit or probability of the second of two classes. */
  single(x: string, kind: 'logits' | 'probabilities', map: CalibrationMap): string {
    const one = this.#scalar(1);
    const other = kind === 'logits' ? this.op('Mul', [x, this.#scalar(0)]) : this.op('Sub', [one, x]);
    const both = this.concatenate([other, x]);
    const result = this.many(both, kind, map, 2);
    const second = this.op('Gather', [result, this.integers([1])], { axis: int(1) });
    if (kind === 'probabilities') return second;
    const first = this.op('Gather', [result, this.integers([0])], { axis: int(1) });
    return this.op('Sub', [second, first]);
  }

  #scaled(scores: string, map: Exclude<CalibrationMap, { kind: 'classes' }>, classes: number): string {
    if (map.kind === 'temperature') return this.op('Div', [scores, this.#scalar(map.temperature)]);
    const product = this.op('Mul', [scores, this.#doubles([classes], map.scale)]);
    return this.op('Add', [product, this.#doubles([classes], map.shift)]);
  }

  /** Two classes: the map of the second, and what is left for the first. */
  #pair(p: string, map: ClassMap): string {
    const second = this.op('Gather', [p, this.integers([1])], { axis: int(1) });
    const q = this.#mapped(second, [map]);
    return this.concatenate([this.op('Sub', [this.#scalar(1), q]), q]);
  }

  /** Rows divided by their sum; all alike where it is nothing. */
  #normalized(q: string, classes: number): string {
    const total = this.op('ReduceSum', [q, this.integers([1])], { keepdims: int(1) });
    const empty = this.op('LessOrEqual', [total, this.#scalar(TINY)]);
    const share = this.op('Div', [q, this.op('Max', [total, this.#scalar(TINY)])]);
    return this.op('Where', [empty, this.#scalar(1 / classes), share]);
  }

  /** [N, K] by one map a column. All are of one kind: they were fitted by one method. */
  #mapped(p: string, maps: readonly ClassMap[]): string {
    const column = (of: (map: ClassMap) => number): string => this.#doubles([maps.length], maps.map(of));
    const [{ kind }] = maps;
    if (kind === 'sigmoid' || kind === 'beta') {
      const clipped = this.op('Min', [this.op('Max', [p, this.#scalar(TINY)]), this.#scalar(1 - TINY)]);
      const up = this.op('Log', [clipped]);
      const down = this.op('Log', [this.op('Sub', [this.#scalar(1), clipped])]);
      const factors = (map: ClassMap): [number, number, number] =>
        map.kind === 'sigmoid'
          ? [map.slope, map.slope, map.intercept]
          : map.kind === 'beta'
            ? [map.a, map.b, map.c]
            : [0, 0, 0];
      const risen = this.op('Mul', [up, column((map) => factors(map)[0])]);
      const fallen = this.op('Mul', [down, column((map) => factors(map)[1])]);
      const z = this.op('Add', [this.op('Sub', [risen, fallen]), column((map) => factors(map)[2])]);
      return this.op('Sigmoid', [z]);
    }
    const deep = this.op('Unsqueeze', [p, this.integers([2])]);
    const pieces = maps.map(piecesOf);
    const length = Math.max(1, ...pieces.map(({ at }) => at.length));
    const table = (of: (piece: Pieces) => readonly number[]): string =>
      this.#doubles(
        [maps.length, length],
        pieces.flatMap((piece) => Array.from({ length }, (_, i) => of(piece)[i] ?? 0)),
      );
    const past = this.op('Sub', [deep, table(({ at }) => at)]);
    const amount =
      kind === 'linear'
        ? this.op('Min', [this.op('Max', [past, this.#scalar(0)]), table(({ width }) => width)])
        : this.op('Cast', [this.op('Greater', [past, this.#scalar(0)])], { to: int(11) });
    const risen = this.op('ReduceSum', [this.op('Mul', [amount, table(({ rise }) => rise)]), this.integers([2])], {
      keepdims: int(0),
    });
    return this.op('Add', [
      risen,
      this.#doubles(
        [maps.length],
        pieces.map(({ start }) => start),
      ),
    ]);
  }

  #softmax(scores: string): string {
    return this.op('Softmax', [scores], { axis: int(1) } satisfies Record<string, Attribute>);
  }

  #log(p: string): string {
    return this.op('Log', [this.op('Max', [p, this.#scalar(TINY)])]);
  }
}

/** A map as a start and what is added past each point: `rise` a unit within `width` (linear), or at once (step). */
interface Pieces {
  readonly start: number;
  readonly at: readonly number[];
  readonly width: readonly number[];
  readonly rise: readonly number[];
}

function piecesOf(map: ClassMap): Pieces {
  if (map.kind === 'step') {
    const { edges, y } = map;
    return { start: y[0], at: edges, width: edges.map(() => 0), rise: edges.map((_, i) => y[i + 1] - y[i]) };
  }
  if (map.kind !== 'linear') throw new Error(`a ${map.kind} map has no pieces`);
  const { x, y } = map;
  const width = x.slice(1).map((end, i) => end - x[i]);
  return { start: y[0], at: x.slice(0, -1), width, rise: width.map((extent, i) => (y[i + 1] - y[i]) / extent) };
}
