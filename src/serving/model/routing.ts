import { BallastError } from '../../errors.js';
import type { TrafficShare } from '../../store/index.js';
import { placeOfKey, versionAt } from '../traffic/split.js';
import type { ServedVersion } from './served-version.js';

/** Where a request of a model goes. */
export interface Route {
  readonly version: ServedVersion;
  readonly role: TrafficShare['role'];
  /** Versions that are asked too, without the user knowing. */
  readonly shadows: readonly ServedVersion[];
}

/** How requests of a model are divided among versions that are loaded: a value, replaced as a whole when anything changes. */
export class Routing {
  readonly model: string;
  readonly stickyKey: string | undefined;
  /** The version that most requests go to. */
  readonly live: ServedVersion;
  readonly #shares: readonly TrafficShare[];
  readonly #versions: ReadonlyMap<number, ServedVersion>;

  /** @param versions those of all shares, but for shadows that could not be loaded */
  constructor(
    model: string,
    shares: readonly TrafficShare[],
    stickyKey: string | undefined,
    versions: ReadonlyMap<number, ServedVersion>,
  ) {
    this.model = model;
    this.stickyKey = stickyKey;
    this.#shares = shares;
    this.#versions = versions;
    const live = shares.find(({ role }) => role === 'live');
    this.live = this.#loaded(live?.version ?? Number.NaN);
  }

  /** The versions that are loaded, shadows too. */
  get versions(): readonly ServedVersion[] {
    return [...this.#versions.values()];
  }

  get shares(): readonly TrafficShare[] {
    return this.#shares;
  }

  /**
   * @param asked the version that the request names
   * @param key by what the request stays with one version
   * @throws BallastError `VERSION_NOT_SERVED`
   */
  route(asked: string | undefined, key: string | undefined): Route {
    if (asked !== undefined) {
      const version = /^\d{1,9}$/.test(asked) ? this.#versions.get(Number(asked)) : undefined;
      if (version === undefined) throw this.#notServed(asked);
      const role = this.#shares.find((share) => share.version === version.version)?.role ?? 'live';
      // Who asks for a shadow sees its answer.
      return { version, role: role === 'shadow' ? 'candidate' : role, shadows: this.#shadows(version) };
    }
    const share = versionAt(this.#shares, key === undefined ? Math.random() : placeOfKey(this.model, key));
    const version = share === undefined ? this.live : this.#loaded(share.version);
    return { version, role: share?.role ?? 'live', shadows: this.#shadows(version) };
  }

  #shadows(answering: ServedVersion): readonly ServedVersion[] {
    const shadows: ServedVersion[] = [];
    for (const { role, version, weight } of this.#shares) {
      if (role !== 'shadow' || version === answering.version) continue;
      if (weight < 1 && Math.random() >= weight) continue;
      const shadow = this.#versions.get(version);
      if (shadow !== undefined) shadows.push(shadow);
    }
    return shadows;
  }

  #loaded(version: number): ServedVersion {
    const loaded = this.#versions.get(version);
    if (loaded === undefined) throw new Error('a version that answers is loaded before traffic goes to it');
    return loaded;
  }

  #notServed(asked: string): BallastError {
    return new BallastError('This version of the model is not served', {
      code: 'VERSION_NOT_SERVED',
      kind: 'not-found',
      place: `models:/${this.model}`,
      value: asked,
      remedy: `Served now: ${[...this.#versions.keys()].join(', ')}.`,
    });
  }
}
