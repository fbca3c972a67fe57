import { confidenceOf, HOUR_MS, type Observation } from '../../store/index.js';
import { ColumnSketch } from './column-sketch.js';

/** Of scores, the probabilities of so many classes are sketched each. */
const MOST_CLASSES = 20;

/** Names under which sketches are kept: no column of the data can be mistaken for what the model says. */
const PREDICTION = 'prediction';
const CONFIDENCE = 'confidence';
const featureName = (column: string): string => `feature/${column}`;
const scoreName = (place: number): string => `score/${place}`;

/** The feature of a sketch's name; undefined of what a model says. */
export function featureOf(name: string): string | undefined {
  return name.startsWith('feature/') ? name.slice('feature/'.length) : undefined;
}

type Value = number | string | null;

/** The values of an observation by the name of their sketch; of one without an answer only its features. */
export function valuesOf({ features, status, prediction, scores }: Observation): [string, Value][] {
  const values = Object.entries(features).map(([column, value]): [string, Value] => [featureName(column), value]);
  if (status !== 'ok') return values;
  if (prediction !== undefined) values.push([PREDICTION, prediction]);
  const confidence = confidenceOf(scores);
  if (confidence !== undefined) values.push([CONFIDENCE, confidence]);
  scores?.slice(0, MOST_CLASSES).forEach((score, place) => {
    values.push([scoreName(place), score]);
  });
  return values;
}

interface WindowOfColumns {
  readonly key: Pick<Observation, 'model' | 'version' | 'role'> & { readonly start: number; readonly ms: number };
  readonly columns: Map<string, ColumnSketch>;
}

/** Sketches of what was observed, by model, version, role and hour. */
export class ObservedColumns {
  readonly #windows = new Map<string, WindowOfColumns>();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(observations: readonly Observation[]): void {
    const values = new Map<ColumnSketch, Value[]>();
    for (const observation of observations) {
      const { columns } = this.#windowOf(observation);
      for (const [name, value] of valuesOf(observation)) {
        let sketch = columns.get(name);
        if (sketch === undefined) {
          sketch = new ColumnSketch(this.#seed);
          columns.set(name, sketch);
        }
        const own = values.get(sketch);
        if (own === undefined) values.set(sketch, [value]);
        else own.push(value);
      }
    }
    for (const [sketch, own] of values) sketch.add(own);
  }

  /** All of them; there are none after. */
  take(): { readonly key: WindowOfColumns['key']; readonly column: string; readonly sketch: ColumnSketch }[] {
    const all = [...this.#windows.values()].flatMap(({ key, columns }) =>
      [...columns].map(([column, sketch]) => ({ key, column, sketch })),
    );
    this.#windows.clear();
    return all;
  }

  #windowOf({ model, version, role, at }: Observation): WindowOfColumns {
    const start = Math.floor(at / HOUR_MS) * HOUR_MS;
    const name = JSON.stringify([model, version, role, start]);
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = { key: { model, version, role, start, ms: HOUR_MS }, columns: new Map() };
      this.#windows.set(name, window);
    }
    return window;
  }
}
