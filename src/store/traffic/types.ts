/** Which part of a model's requests a version answers. */
export interface TrafficShare {
  readonly version: number;
  /** `live`: what users get by default; `candidate`: of a rollout; `shadow`: asked too, its answers kept from users. */
  readonly role: 'live' | 'candidate' | 'shadow';
  /** From 0 to 1. Of a shadow: the share of all requests that it is asked too. Those of all others add up to 1. */
  readonly weight: number;
}

/** How the requests of a model are divided. */
export interface Traffic {
  readonly model: string;
  /** Empty where an alias alone decides, as where nothing was ever said. */
  readonly shares: readonly TrafficShare[];
  /**
   * By what requests stay with one version: a parameter of the request, a header `x-ballast-NAME`, or a column. Without it, and for
   * requests that do not tell it, each is drawn.
   */
  readonly stickyKey: string | undefined;
  /** 1, and one more with each change. */
  readonly revision: number;
  readonly reason: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

/** A change of {@link Traffic}. */
export interface NewTraffic {
  readonly shares: readonly TrafficShare[];
  readonly stickyKey?: string;
  /** Why, for the record. */
  readonly reason: string;
  /** The revision that the change was decided on (0: that nothing was said yet); with another one nothing is written. */
  readonly replaces?: number;
}

/** What a server that answers for a model has to know of it. */
export interface ServedModel {
  readonly model: string;
  readonly aliases: Readonly<Record<string, number>>;
  readonly traffic: Traffic | undefined;
}

export interface TrafficStore {
  /**
   * Divides a model's requests anew, at once for all servers. Audited.
   *
   * @throws BallastError `TRAFFIC_INVALID`, `TRAFFIC_CHANGED`, `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND`, `VERSION_ARCHIVED`
   */
  setTraffic(model: string, traffic: NewTraffic): Promise<Traffic>;
  /** What was said of a model's requests; undefined where nothing was. @throws BallastError `MODEL_NOT_FOUND` */
  getTraffic(model: string): Promise<Traffic | undefined>;
  /** Aliases and traffic of models, in one reading: what servers ask twice a second. Those that do not exist are left out. */
  servedModels(models: readonly string[]): Promise<ServedModel[]>;
}
