import type { Permission as AnyPermission, Role, Store } from '../store/index.js';

/** What someone may do with an experiment or a registered model; each includes those before it. */
export type Permission = Exclude<AnyPermission, 'none'>;

/** Whoever sent a request: who it is, and what it may do. Every check throws `ACCESS_DENIED` where it may not. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** The store in the caller's name: what it writes to the audit log names the caller. */
  readonly store: Store;
  /** @throws BallastError `ACCESS_DENIED` */
  requireExperiment(experimentId: number, permission: Permission): Promise<void>;
  /** As for the run's experiment. @throws BallastError `ACCESS_DENIED`, `RUN_NOT_FOUND` */
  requireRun(runId: string, permission: Permission): Promise<void>;
  /** As for the model's experiment. @throws BallastError `ACCESS_DENIED`, `LOGGED_MODEL_NOT_FOUND` */
  requireLoggedModel(modelId: string, permission: Permission): Promise<void>;
  /** Of a registered model, or of making one. @throws BallastError `ACCESS_DENIED` */
  requireModel(name: string, permission: Permission): Promise<void>;
  /** @throws BallastError `ACCESS_DENIED` */
  requireAdmin(): void;
  /** Makes an experiment, which is then the caller’s to manage. @throws BallastError `ACCESS_DENIED`, `EXPERIMENT_EXISTS` */
  createExperiment(name: string, tags: Readonly<Record<string, string>>): Promise<number>;
  /** Makes a registered model, which is then the caller’s to manage. @throws BallastError `ACCESS_DENIED`, `MODEL_EXISTS` */
  createModel(name: string, options: Parameters<Store['createModel']>[1]): Promise<void>;
  /** Those of these experiments that the caller may read. */
  readable(experimentIds: readonly number[]): Promise<readonly number[]>;
  /** Whether the caller may read a registered model. */
  mayReadModel(name: string): Promise<boolean>;
}

/** The caller where no one has to say who they are: a server of this machine without users. */
export function openCaller(store: Store, name: string): Caller {
  const granted = async (): Promise<void> => undefined;
  return {
    name,
    role: 'admin',
    store,
    requireExperiment: granted,
    requireRun: granted,
    requireLoggedModel: granted,
    requireModel: granted,
    requireAdmin: () => undefined,
    createExperiment: (experiment, tags) => store.createExperiment(experiment, tags),
    createModel: (model, options) => store.createModel(model, options),
    readable: async (experimentIds) => experimentIds,
    mayReadModel: async () => true,
  };
}
