/** An objective of a model as it is kept; the definition is the spec's. */
export interface StoredSlo {
  readonly model: string;
  readonly name: string;
  readonly definition: unknown;
  /** Where it came from: `spec`, a file, `api`. */
  readonly source: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

/** Events that an application counted itself: a user-defined SLI. */
export interface SliCount {
  readonly model: string;
  readonly name: string;
  /** Empty where the application does not know it. */
  readonly version: string;
  /** The minute, ms since 1970. */
  readonly at: number;
  readonly good: number;
  readonly total: number;
}

export interface AlertState {
  /** Identity: of what is wrong with which version at which endpoint. */
  readonly fingerprint: string;
  readonly model: string;
  readonly rule: string;
  readonly severity: 'page' | 'ticket';
  readonly state: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  /** When it was last found to be so. */
  readonly seenAt: Date;
  readonly resolvedAt: Date | undefined;
  /** The last changes of its state, ms since 1970: by them flapping is known. */
  readonly changes: readonly number[];
  /** What keeps it from being sent: `silence 3`, `planned 4`. */
  readonly suppressedBy: string | undefined;
}

export interface AlertEvent {
  readonly at: Date;
  readonly event: string;
  readonly details: unknown;
}

/** What a target was last told of an alert. */
export interface AlertDelivery {
  readonly fingerprint: string;
  readonly target: string;
  /** `firing`, `resolved`, or nothing yet. */
  readonly told: string;
  /** Of the last attempt. */
  readonly at: Date;
  /** Attempts that failed since the last that did not. */
  readonly failures: number;
  readonly error: string | undefined;
}

/** A condition on a label of alerts; every one of a silence must hold. */
export interface Matcher {
  readonly label: string;
  readonly value: string;
  /** The value is a regular expression for the whole label. */
  readonly regex?: boolean;
}

export interface NewSilence {
  /** `planned`: a window of planned work, such as a retraining. */
  readonly kind: 'silence' | 'planned';
  readonly matchers: readonly Matcher[];
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly reason: string;
}

export interface Silence extends NewSilence {
  readonly id: number;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface AlertStore {
  /** Keeps objectives of a model, replacing those of the same name. Audited. */
  putSlos(model: string, slos: readonly Pick<StoredSlo, 'name' | 'definition'>[], source: string): Promise<void>;
  /** @throws BallastError `SLO_NOT_FOUND` */
  removeSlo(model: string, name: string): Promise<void>;
  /** By model and name. */
  listSlos(model?: string): Promise<StoredSlo[]>;
  /** Adds to an application's own counts, by minute. @throws BallastError `SLI_INVALID` */
  countSli(count: SliCount): Promise<void>;
  sliCounts(model: string, range: { readonly from: number; readonly to: number }): Promise<SliCount[]>;
  /** Keeps the state of alerts, each with what happened to it, if something did. */
  saveAlerts(
    alerts: readonly { readonly alert: AlertState; readonly event?: string; readonly details?: unknown }[],
  ): Promise<void>;
  /** Firing ones first, then the latest. Default limit 500. */
  listAlerts(filter?: {
    readonly model?: string;
    readonly state?: AlertState['state'];
    readonly limit?: number;
  }): Promise<AlertState[]>;
  /** What happened to an alert, oldest first. */
  alertEvents(fingerprint: string): Promise<AlertEvent[]>;
  saveDeliveries(deliveries: readonly AlertDelivery[]): Promise<void>;
  listDeliveries(fingerprints: readonly string[]): Promise<AlertDelivery[]>;
  /** Keeps alerts quiet for some time. Audited. @throws BallastError `SILENCE_INVALID` */
  addSilence(silence: NewSilence): Promise<Silence>;
  /** Ends a silence now. Audited. @throws BallastError `SILENCE_NOT_FOUND`, `SILENCE_OVER` */
  endSilence(id: number): Promise<void>;
  /** Newest first; without `endedToo` those that are not over. */
  listSilences(options?: { readonly endedToo?: boolean }): Promise<Silence[]>;
  /** Whether it is this process's turn to do what only one does at a time: at most once in so many ms, over all processes. */
  takeTurn(name: string, everyMs: number): Promise<boolean>;
}
