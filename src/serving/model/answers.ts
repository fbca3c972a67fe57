import type { Model, PortInfo, Tensor } from '../../graph/index.js';
import { describedClasses } from '../../tuning/described-ports.js';
import type { LoadedModel, Tensors } from '../worker/messages.js';

/** What a model said of a row. */
export interface RowAnswer {
  readonly prediction?: string | number;
  /** Probabilities in the order of the classes. */
  readonly scores?: readonly number[];
}

/** How answers are read out of a model's outputs. */
export interface AnswerReader {
  /** The outputs that it needs. */
  readonly outputs: readonly string[];
  read(outputs: Tensors, row: number): RowAnswer;
}

const NOTHING: AnswerReader = { outputs: [], read: () => ({}) };

/**
 * How to read what a model answers: by the names that Ballast's exports, scikit-learn's and most others use; where no
 * output can be told to be the prediction, nothing is read.
 */
export function answerReader({ outputs, metadata }: LoadedModel): AnswerReader {
  const floats = outputs.filter(({ type }) => type === 'float32' || type === 'float64');
  const scores = only(floats.filter(({ name, shape }) => /prob/i.test(name) && shape.length === 2));
  const label = only(
    outputs.filter(({ name, type }) => /label(?!index)/i.test(name) && (type === 'string' || type === 'int64')),
  );
  if (scores !== undefined) return classReader(scores, label, classesOf(metadata, scores.name));
  if (label !== undefined)
    return { outputs: [label.name], read: (all, row) => ({ prediction: valueAt(all[label.name], row) }) };
  // A single output is the prediction, whatever it is called: scikit-learn's models on MLServer answer `predict`.
  const prediction =
    only(floats.filter(({ name }) => floats.length === 1 || name === 'prediction')) ??
    (outputs.length === 1 && READABLE.has(outputs[0].type) ? outputs[0] : undefined);
  if (prediction === undefined || !isOneARow(prediction)) return NOTHING;
  return { outputs: [prediction.name], read: (all, row) => ({ prediction: valueAt(all[prediction.name], row) }) };
}

const READABLE: ReadonlySet<PortInfo['type']> = new Set(['string', 'int64', 'int32', 'float32', 'float64']);

function classReader(scores: PortInfo, label: PortInfo | undefined, classes: readonly string[]): AnswerReader {
  return {
    outputs: label === undefined ? [scores.name] : [scores.name, label.name],
    read(all, row) {
      const { shape, data } = all[scores.name];
      const width = shape[1] ?? 0;
      const own = Array.from((data as Float32Array).subarray(row * width, (row + 1) * width));
      if (label !== undefined) return { prediction: valueAt(all[label.name], row), scores: own };
      const best = own.indexOf(Math.max(...own));
      return { prediction: classes[best] ?? best, scores: own };
    },
  };
}

/** The classes that the metadata names; damaged metadata name none: serving does not depend on it. */
function classesOf(metadata: LoadedModel['metadata'], output: string): readonly string[] {
  const model = { metadata: new Map(Object.entries(metadata)) } satisfies Pick<Model, 'metadata'>;
  return describedClasses(model, output);
}

function valueAt({ type, shape, data }: Tensor, row: number): string | number {
  const width = shape.length > 1 ? (shape[1] ?? 1) : 1;
  const value = data[row * width];
  return type === 'string' ? String(value) : Number(value);
}

const isOneARow = ({ shape }: PortInfo): boolean => shape.length === 1 || (shape.length === 2 && shape[1] === 1);

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
