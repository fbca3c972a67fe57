import type { GroupColumn, PredictionInput } from '../../evaluation/input.js';
import type { StoredObservation } from '../../store/index.js';

/** Labelled answers as an evaluation takes them. */
export interface ObservedPredictions {
  readonly predictions: PredictionInput;
  /** By the names of their metadata. */
  readonly slices: readonly GroupColumn[];
}

/**
 * What labelled observations say, as predictions and targets; undefined of none. Answers whose label is no class that the model
 * knows are wrong answers, whatever it says: they count as such under a class of their own name.
 *
 * @param classes of the model, in the order of its scores; undefined where it answers numbers
 */
export function observedPredictions(
  rows: readonly StoredObservation[],
  classes: readonly string[] | undefined,
): ObservedPredictions | undefined {
  const answered = rows.filter(
    ({ status, prediction, label }) => status === 'ok' && prediction !== undefined && label !== undefined,
  );
  if (answered.length === 0) return undefined;
  return {
    predictions: classes === undefined ? numbersOf(answered) : classesOf(answered, classes),
    slices: slicesOf(answered),
  };
}

function numbersOf(rows: readonly StoredObservation[]): PredictionInput {
  return {
    task: 'regression',
    target: rows.map(({ label }) => Number(label?.value)),
    predictions: rows.map(({ prediction }) => Number(prediction)),
  };
}

function classesOf(rows: readonly StoredObservation[], known: readonly string[]): PredictionInput {
  const labels = rows.flatMap(({ label, prediction }) => [String(label?.value), String(prediction)]);
  const classes = [...new Set([...known, ...labels])];
  const code = new Map(classes.map((name, i) => [name, i]));
  const common = {
    task: 'classification',
    classes,
    target: rows.map(({ label }) => code.get(String(label?.value)) ?? 0),
    predictions: rows.map(({ prediction }) => code.get(String(prediction)) ?? 0),
  } as const;
  // Scores of a shadow that was asked late, or a class beyond those scored: labels alone are judged.
  if (!rows.every(({ scores }) => scores?.length === known.length)) return common;
  const unknown = new Array<number>(classes.length - known.length).fill(0);
  return {
    ...common,
    probabilities: rows.flatMap(({ scores = [] }) => {
      const total = scores.reduce((sum, score) => sum + score, 0);
      return [...scores.map((score) => score / total), ...unknown];
    }),
  };
}

/** Names of metadata that rows are sliced by, and values of each. */
const MOST = { names: 8, values: 20 } as const;

function slicesOf(rows: readonly StoredObservation[]): GroupColumn[] {
  const names = [...new Set(rows.flatMap(({ metadata }) => Object.keys(metadata)))].filter((name) => name !== 'client');
  return names.slice(0, MOST.names).flatMap((name) => {
    const dictionary = [...new Set(rows.flatMap(({ metadata }) => metadata[name] ?? []))];
    if (dictionary.length < 2 || dictionary.length > MOST.values) return [];
    return [{ name, dictionary, codes: rows.map(({ metadata }) => dictionary.indexOf(metadata[name] ?? '')) }];
  });
}
