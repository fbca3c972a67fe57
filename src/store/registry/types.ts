import type { OpenArtifact } from '../types.js';

/** Who answers for a model, and what is at stake; required before an alias of production points to a version of it. */
export interface Responsibility {
  readonly owner: string | undefined;
  /** Where alerts go: an address, a route, a rota. */
  readonly onCall: string | undefined;
  /** Who is called when on-call does not answer. */
  readonly escalation: string | undefined;
  readonly criticality: 'low' | 'medium' | 'high' | 'safety' | undefined;
  /** What attackers could want and do; `none` where none is expected. */
  readonly threatModel: string | undefined;
}

/** A name under which versions of a model are kept. */
export interface RegisteredModel extends Responsibility {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly tags: Readonly<Record<string, string>>;
  /** The version each alias points to. */
  readonly aliases: Readonly<Record<string, number>>;
}

/** A version: files that never change, and what they came from. */
export interface ModelVersion {
  readonly modelId: number;
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly createdBy: string;
  readonly state: 'ready' | 'archived';
  readonly stage: string;
  readonly source: string;
  readonly runId: string | undefined;
  readonly runLink: string | undefined;
  readonly loggedModelId: string | undefined;
  /** SHA-256 of the list of files. */
  readonly digest: string;
  readonly onnxPath: string | undefined;
  readonly onnxSha256: string | undefined;
  readonly regularizerId: string | undefined;
  readonly manifest: unknown;
  readonly datasetName: string | undefined;
  readonly dataVersion: string | undefined;
  readonly codeCommit: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly string[];
}

export interface VersionFile {
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
}

/** What a version is made of. */
export interface NewVersion {
  /** The model, created when it does not exist. */
  readonly name: string;
  /** Whose files, and the folder or file below which. */
  readonly from:
    | { readonly kind: 'run'; readonly runId: string; readonly path: string }
    | { readonly kind: 'logged-model'; readonly modelId: string; readonly path: string }
    | { readonly kind: 'version'; readonly name: string; readonly version: number };
  /** The reference as it was given. */
  readonly source: string;
  readonly runLink?: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** The regularizers that it was trained with, where the run's own record does not say. */
  readonly regularizers?: { readonly id: string; readonly manifest: unknown };
}

/** Someone's word for an item of a checklist. */
export interface SignOff {
  readonly item: string;
  readonly actor: string;
  readonly note: string;
  readonly at: Date;
}

export interface RegistryQuery {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
}

export interface RegistryStore {
  /** @throws BallastError `MODEL_EXISTS`, `MODEL_NAME_INVALID` */
  createModel(name: string, options?: { description?: string; tags?: Readonly<Record<string, string>> }): Promise<void>;
  /** @throws BallastError `MODEL_NOT_FOUND` */
  getModel(name: string): Promise<RegisteredModel>;
  searchModels(query?: RegistryQuery): Promise<{ models: RegisteredModel[]; more: boolean }>;
  renameModel(name: string, newName: string): Promise<void>;
  /** Changes a model's description and who answers for it; what is not given stays. */
  updateModel(name: string, change: Partial<Responsibility> & { readonly description?: string }): Promise<void>;
  /** Removes a model with its versions. @throws BallastError `MODEL_IN_USE` while an alias of production points to it */
  deleteModel(name: string): Promise<void>;
  setModelTags(name: string, tags: Readonly<Record<string, string>>, version?: number): Promise<void>;
  /** @throws BallastError `TAG_NOT_FOUND` */
  removeModelTag(name: string, tag: string, version?: number): Promise<void>;
  /**
   * Registers a version: its files are the registry's own from then on, whatever becomes of the run.
   *
   * @throws BallastError `VERSION_WITHOUT_FILES`, `RUN_NOT_FOUND`, `LOGGED_MODEL_NOT_FOUND`, `MODEL_NAME_INVALID`
   */
  createVersion(version: NewVersion): Promise<ModelVersion>;
  /** @throws BallastError `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND` */
  getVersion(name: string, version: number): Promise<ModelVersion>;
  /** @throws BallastError `ALIAS_NOT_FOUND` */
  getVersionByAlias(name: string, alias: string): Promise<ModelVersion>;
  searchVersions(query?: RegistryQuery): Promise<{ versions: ModelVersion[]; more: boolean }>;
  updateVersion(name: string, version: number, change: { description?: string; stage?: string }): Promise<void>;
  /** Takes a version out of use. @throws BallastError `MODEL_IN_USE` while an alias points to it */
  archiveVersion(name: string, version: number): Promise<void>;
  /** @throws BallastError `MODEL_IN_USE` while an alias points to it */
  deleteVersion(name: string, version: number): Promise<void>;
  /** Points an alias to a version, or from it to none. Audited; what is required for it is the caller's to check. */
  setAlias(name: string, alias: string, version: number | undefined): Promise<void>;
  versionFiles(name: string, version: number): Promise<VersionFile[]>;
  /** A file of a version; reading it checks its hash. @throws BallastError `ARTIFACT_NOT_FOUND` */
  openVersionFile(
    name: string,
    version: number,
    path: string,
  ): Promise<VersionFile & Pick<OpenArtifact, 'bytes' | 'stream' | 'file'>>;
  /** The model of a number. @throws BallastError `MODEL_NOT_FOUND` */
  modelName(modelId: number): Promise<string>;
  /** Records that the actor of this store answers for an item. */
  signOff(name: string, version: number, item: string, note: string): Promise<void>;
  withdrawSignOff(name: string, version: number, item: string): Promise<void>;
  signOffs(name: string, version: number): Promise<SignOff[]>;
}
