import { BallastError } from '../../errors.js';
import type { ServedModel, Store } from '../../store/index.js';
import type { InputPolicies } from '../validation/checks.js';
import { Spare } from '../worker/spare.js';
import { parseServed, type ServedReference, sharesOf } from './reference.js';
import { Routing } from './routing.js';
import {
  loadVersion,
  type RunSettings,
  type ServedVersion,
  type VersionLoader,
  type VersionSource,
} from './served-version.js';

export interface FollowOptions {
  readonly store: VersionSource & Pick<Store, 'servedModels'>;
  readonly settings: RunSettings;
  readonly policies: InputPolicies;
  /** How versions are loaded, where not into processes of this server. */
  readonly loader?: VersionLoader;
  /** How often the store is asked whether aliases or traffic changed, ms. */
  readonly everyMs: number;
  /** Told what changed, and what could not be done. */
  readonly onChange: (message: string) => void;
}

/** How long a version that could not be loaded is not tried again, ms. */
const RETRY_MS = 15_000;

interface Followed {
  readonly reference: ServedReference;
  routing: Routing;
}

/**
 * The models that are served, kept as aliases and traffic in the store say. A version is loaded before the first request goes to
 * it, and ends after its last answer; what was served goes on while the store cannot be reached, or what it asks for cannot be loaded.
 */
export class FollowedModels {
  readonly #options: FollowOptions;
  readonly #models = new Map<string, Followed>();
  readonly #failed = new Map<string, number>();
  readonly #told = new Map<string, string>();
  readonly #retiring = new Set<Promise<void>>();
  readonly #spare = new Spare();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #unreachable = false;
  #closed = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#schedule();
  }

  get routings(): readonly Routing[] {
    return [...this.#models.values()].map(({ routing }) => routing);
  }

  /** @throws BallastError `MODEL_NOT_SERVED` */
  routing(model: string): Routing {
    const followed = this.#models.get(model);
    if (followed !== undefined) return followed.routing;
    throw new BallastError('This model is not served', {
      code: 'MODEL_NOT_SERVED',
      kind: 'not-found',
      place: `models:/${model}`,
      remedy: `Served: ${[...this.#models.keys()].join(', ') || 'none'}. Start ballast serve with --models ${model}, or load it.`,
    });
  }

  /**
   * Begins to serve a model, or serves it by another alias or version.
   *
   * @throws BallastError `MODEL_REFERENCE_INVALID`, `MODEL_NOT_FOUND`, `ALIAS_NOT_FOUND`, and those of loading it
   */
  async load(text: string): Promise<Routing> {
    const reference = parseServed(text);
    return this.#inTurn(async () => {
      const [served] = await this.#options.store.servedModels([reference.model]);
      if (served === undefined) throw notFound(reference.model);
      const before = this.#models.get(reference.model)?.routing;
      const routing = await this.#route(reference, served, before);
      this.#replace(reference, routing, before);
      return routing;
    });
  }

  /** Ends serving a model after the requests under way. @throws BallastError `MODEL_NOT_SERVED` */
  async unload(model: string): Promise<void> {
    await this.#inTurn(async () => {
      const { versions } = this.routing(model);
      this.#models.delete(model);
      for (const version of versions) this.#retire(version);
    });
  }

  /** Looks at the store now. */
  async refresh(): Promise<void> {
    await this.#inTurn(() => this.#follow());
  }

  /** Ends everything after the requests under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn;
    for (const { routing } of this.#models.values()) for (const version of routing.versions) this.#retire(version);
    await Promise.all(this.#retiring);
    this.#spare.stop();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.refresh().finally(() => {
        if (!this.#closed) this.#schedule();
      });
    }, this.#options.everyMs).unref();
  }

  async #follow(): Promise<void> {
    if (this.#models.size === 0 || this.#closed) return;
    let found: readonly ServedModel[];
    try {
      found = await this.#options.store.servedModels([...this.#models.keys()]);
    } catch (error) {
      if (!this.#unreachable) this.#options.onChange(`The store cannot be asked; serving goes on: ${text(error)}`);
      this.#unreachable = true;
      return;
    }
    if (this.#unreachable) this.#options.onChange('The store answers again');
    this.#unreachable = false;
    for (const served of found) {
      const followed = this.#models.get(served.model);
      if (followed === undefined) continue;
      try {
        const routing = await this.#route(followed.reference, served, followed.routing);
        if (routing !== followed.routing) this.#replace(followed.reference, routing, followed.routing);
      } catch (error) {
        this.#tellOnce(served.model, `${served.model}: what was served goes on: ${text(error)}`);
      }
    }
  }

  /** The routing that the store asks for: the present one where nothing changed. */
  async #route(reference: ServedReference, served: ServedModel, before: Routing | undefined): Promise<Routing> {
    const shares = sharesOf(reference, served);
    const stickyKey = served.traffic?.stickyKey;
    if (shares.length > 1 && this.#options.loader?.severalAtOnce === false) throw oneAtOnce(served.model);
    const present = new Map(before?.versions.map((version) => [version.version, version]));
    const complete = shares.every(
      ({ version }) => present.has(version) || this.#isRecentFailure(served.model, version),
    );
    const same =
      before !== undefined && JSON.stringify([shares, stickyKey]) === JSON.stringify([before.shares, before.stickyKey]);
    if (same && complete && before !== undefined) return before;
    const versions = new Map<number, ServedVersion>();
    const fresh: ServedVersion[] = [];
    try {
      for (const { version, role } of shares) {
        const loaded = present.get(version) ?? (await this.#loadOne(served.model, version, role === 'shadow'));
        if (loaded === undefined) continue;
        // A process that just ended has nobody's answers wait for it.
        if (role !== 'shadow' && !isAnswering(before, version)) await loaded.runner.ready();
        versions.set(version, loaded);
        if (!present.has(version)) fresh.push(loaded);
      }
    } catch (error) {
      for (const version of fresh) this.#retire(version);
      throw error;
    }
    return new Routing(served.model, shares, stickyKey, versions);
  }

  /** @returns undefined for a shadow that cannot be loaded, which is no reason not to serve the others */
  async #loadOne(model: string, version: number, isShadow: boolean): Promise<ServedVersion | undefined> {
    const { store, settings, policies, onChange } = this.#options;
    const key = `${model}/${version}`;
    if (this.#isRecentFailure(model, version)) {
      if (isShadow) return undefined;
      throw new BallastError('It could not be loaded a moment ago', {
        code: 'MODEL_NOT_LOADED',
        kind: 'environment',
        place: `models:/${key}`,
        remedy: `It is tried again every ${RETRY_MS / 1000} s.`,
      });
    }
    try {
      const told = {
        ...settings,
        spare: this.#spare,
        onEnded: (error: BallastError) => onChange(`${key}: ${error.message}`),
      };
      return await (this.#options.loader?.load(store, model, version) ??
        loadVersion(store, model, version, told, policies));
    } catch (error) {
      this.#failed.set(key, performance.now());
      if (!isShadow) throw error;
      onChange(`${key} is not asked as a shadow: ${text(error)}`);
      return undefined;
    }
  }

  #isRecentFailure(model: string, version: number): boolean {
    const at = this.#failed.get(`${model}/${version}`);
    return at !== undefined && performance.now() - at < RETRY_MS;
  }

  /** The same trouble, found again half a second later, is not told again. */
  #tellOnce(model: string, message: string): void {
    if (this.#told.get(model) === message) return;
    this.#told.set(model, message);
    this.#options.onChange(message);
  }

  #replace(reference: ServedReference, routing: Routing, before: Routing | undefined): void {
    this.#models.set(routing.model, { reference, routing });
    this.#told.delete(routing.model);
    const kept = new Set(routing.versions);
    for (const version of before?.versions ?? []) if (!kept.has(version)) this.#retire(version);
    const parts = routing.shares.map(
      ({ version, role, weight }) => `${version} ${role} ${Math.round(weight * 1e4) / 100} %`,
    );
    this.#options.onChange(`${routing.model}: ${parts.join(', ')}`);
  }

  #retire({ runner }: ServedVersion): void {
    const ended = runner.close().finally(() => this.#retiring.delete(ended));
    this.#retiring.add(ended);
  }

  /** One change at a time. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(action);
    this.#turn = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}

function isAnswering(routing: Routing | undefined, version: number): boolean {
  return routing?.shares.some((share) => share.version === version && share.role !== 'shadow') ?? false;
}

function text(error: unknown): string {
  return error instanceof BallastError ? error.describe() : String(error);
}

function notFound(model: string): BallastError {
  return new BallastError('There is no registered model of this name', {
    code: 'MODEL_NOT_FOUND',
    kind: 'not-found',
    place: `models:/${model}`,
    remedy: 'ballast models list shows those that there are.',
  });
}

function oneAtOnce(model: string): BallastError {
  return new BallastError(
    'The traffic of this model is divided, and the server that is watched is asked for one version only',
    {
      code: 'UPSTREAM_ONE_VERSION',
      place: `models:/${model}`,
      remedy:
        "Where it has the registry's versions under the same numbers, start ballast serve with --sidecar-versions.",
    },
  );
}
