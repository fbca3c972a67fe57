import type { Store } from '../../store/index.js';
import type { ColumnDrift } from '../drift/production.js';
import { productionReport } from '../production-report.js';
import { keptReference } from '../reference/build.js';
import type { WatchedModel } from './model-slos.js';
import { NOTHING_ASKED, type SliWindow } from './window.js';

/** How a model's columns moved: those that drifted and stayed so, and of each day whether any drifted. */
export interface WatchedDrift {
  readonly drifted: readonly ColumnDrift[];
  readonly columns: readonly ColumnDrift[];
  readonly windows: readonly SliWindow[];
}

const HOUR = 3_600_000;

/**
 * Drift of models against the references of their runs, looked at once an hour: its windows are days. A model whose run kept no
 * reference (`ballast drift MODEL` makes it) has none.
 */
export class DriftWatch {
  readonly #store: Store;
  readonly #known = new Map<string, { readonly hour: number; readonly drift: Promise<WatchedDrift | undefined> }>();

  constructor(store: Store) {
    this.#store = store;
  }

  of(model: WatchedModel, now: number): Promise<WatchedDrift | undefined> {
    const key = `${model.name}/${model.version?.version ?? ''}`;
    const hour = Math.floor(now / HOUR);
    const known = this.#known.get(key);
    if (known?.hour === hour) return known.drift;
    const drift = this.#look(model, now);
    this.#known.set(key, { hour, drift });
    // What could not be read is tried again when it is next asked for.
    drift.catch(() => this.#known.delete(key));
    return drift;
  }

  async #look({ name, version, run }: WatchedModel, now: number): Promise<WatchedDrift | undefined> {
    const reference = run === undefined ? undefined : await keptReference(this.#store, run);
    if (reference === undefined || version === undefined) return undefined;
    const report = await productionReport(this.#store, reference, {
      ...{ model: name, version: String(version.version), now },
    });
    const columns = [...report.features, ...report.predictions];
    return {
      columns,
      drifted: columns.filter(({ drifted }) => drifted),
      windows: report.windows.map(({ start, ms }) => ({
        ...{ from: start, to: start + ms, version: String(version.version), role: 'live' },
        ...NOTHING_ASKED,
        drifted: columns.some(({ windows }) => windows.some((each) => each.start === start && each.drifted)),
      })),
    };
  }
}
