import { entryNames } from '../regularizers/manifest.js';
import type { NewMetricPoint, Store } from '../store/types.js';
import type { EpochRecord } from '../training/events.js';
import type { RunResult } from './run-result.js';

/** Points are written once a second at most: quick epochs would otherwise wait for the disk. */
const FLUSH_MS = 1000;

/** Writes a run's metrics, parameters and tags to the store as they come. */
export class RunRecorder {
  readonly #store: Store;
  readonly #runId: string;
  #points: NewMetricPoint[] = [];
  #flushed = performance.now();

  constructor(store: Store, runId: string) {
    this.#store = store;
    this.#runId = runId;
  }

  async epoch(record: EpochRecord): Promise<void> {
    const timestamp = Date.now();
    const add = (name: string, value: number): void => {
      this.#points.push({ name, value, step: record.epoch, timestamp });
    };
    add('trainLoss', record.trainLoss);
    add('learningRate', record.learningRate);
    add('gap', record.gap);
    add('seconds', record.seconds);
    for (const [name, value] of Object.entries(record.train)) add(`train.${name}`, value);
    for (const [name, value] of Object.entries(record.validation)) add(`validation.${name}`, value);
    for (const [name, value] of Object.entries(record.strengths ?? {})) add(`strength.${name}`, value);
    if (performance.now() - this.#flushed > FLUSH_MS) await this.flush();
  }

  async flush(): Promise<void> {
    const points = this.#points;
    this.#points = [];
    this.#flushed = performance.now();
    if (points.length > 0) await this.#store.logMetrics(this.#runId, points);
  }

  /** The figures that lists and comparisons show. */
  async conclude(result: RunResult): Promise<void> {
    const step = result.epochs;
    const final = [
      ...Object.entries(result.train.metrics).map(([name, { value }]) => ({
        name: `final.train.${name}`,
        value,
        step,
      })),
      ...Object.entries(result.validation.metrics).map(([name, { value }]) => ({
        name: `final.validation.${name}`,
        value,
        step,
      })),
      ...Object.entries(result.targets ?? {}).flatMap(([target, parts]) =>
        (['train', 'validation'] as const).flatMap((part) =>
          Object.entries(parts[part].metrics).map(([name, { value }]) => ({
            name: `final.${part}.${target}.${name}`,
            value,
            step,
          })),
        ),
      ),
      { name: 'final.gap', value: result.gap.value, step },
    ];
    await this.#store.logMetrics(this.#runId, final);
    const { regularizers } = result.manifest;
    const parameters = entryNames(regularizers).map(
      (name, i) => [`regularizer.${name.replace(' ', '.')}`, regularizers[i].strength] as const,
    );
    await this.#store.logParams(this.#runId, {
      ...Object.fromEntries(parameters),
      optimizer: result.manifest.training.optimizer,
      epochs: result.manifest.training.epochs,
      batchSize: result.manifest.training.batchSize,
    });
    await this.#store.setTags(this.#runId, {
      'ballast.regularizers': result.regularizerId,
      'ballast.outcome': result.outcome,
      'ballast.bestEpoch': String(result.bestEpoch),
    });
  }
}
