import { BallastError } from '../../errors.js';
import type { AnswerUse } from '../model/model-runner.js';
import type { ServedVersion } from '../model/served-version.js';
import type { ObservationSink } from '../observation.js';
import type { Tensors } from '../worker/messages.js';
import { observe } from './observe.js';

/** A request that was answered. */
export interface Mirrored {
  readonly predictionId: string;
  readonly at: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly feeds: Tensors;
}

/** Requests that a shadow may be behind; beyond that it is not asked. */
const MOST_BEHIND = 64;

/** Asks shadows what users were answered already: they take nothing from anyone who waits. */
export class Mirror {
  readonly #sink: ObservationSink;
  readonly #behind = new Map<ServedVersion, number>();
  readonly #dropped = new Map<string, number>();

  constructor(sink: ObservationSink) {
    this.#sink = sink;
  }

  /** By `NAME/VERSION`: requests that a shadow was not asked, because it was too far behind. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped;
  }

  ask(shadows: readonly ServedVersion[], request: Mirrored): void {
    for (const shadow of shadows) {
      // It left while the user was answered.
      if (shadow.runner.isClosed) continue;
      const behind = this.#behind.get(shadow) ?? 0;
      if (behind >= MOST_BEHIND) {
        const key = `${shadow.name}/${shadow.version}`;
        this.#dropped.set(key, (this.#dropped.get(key) ?? 0) + 1);
        continue;
      }
      this.#behind.set(shadow, behind + 1);
      void this.#run(shadow, request).finally(() => {
        const left = (this.#behind.get(shadow) ?? 1) - 1;
        if (left > 0) this.#behind.set(shadow, left);
        else this.#behind.delete(shadow);
      });
    }
  }

  async #run(shadow: ServedVersion, { predictionId, at, metadata, feeds }: Mirrored): Promise<void> {
    const asked = { predictionId, at, version: shadow, role: 'shadow' as const, metadata, beside: predictionId };
    const start = performance.now();
    try {
      const { feeds: checked, flags } = shadow.checks.apply(feeds);
      // As of a candidate that users meet: it is not waited for.
      if (!shadow.runner.isReady) throw notReady();
      const said = shadow.answers.outputs.length > 0 ? shadow.answers.outputs : allOf(shadow);
      const fetches = [...said, ...shadow.columns.fetches];
      let use: AnswerUse | undefined;
      const used = (told: AnswerUse): void => {
        use = told;
      };
      const outputs = await shadow.runner.run(checked, fetches, { again: false, used });
      observe(this.#sink, asked, { latencyMs: performance.now() - start, use, feeds, outputs, flags });
    } catch (error) {
      // The version that the user asked took the request: it is not at fault.
      observe(this.#sink, asked, { latencyMs: performance.now() - start, feeds, error, faultOf: 'service' });
    }
  }
}

/** Of a version whose processes ended, until one is there again. */
export function notReady(): BallastError {
  return new BallastError('No process of this version is ready', { code: 'WORKER_ENDED', kind: 'environment' });
}

const allOf = ({ model }: ServedVersion): readonly string[] => model.outputs.map(({ name }) => name);
