/** Something that a check found in the data. */
export interface Finding {
  readonly code: FindingCode;
  /**
   * error: results on this data cannot be trusted, or training will fail; warning: likely to mislead, look at it; info:
   * worth knowing.
   */
  readonly severity: Severity;
  /** One sentence: what was found, where, how much. */
  readonly message: string;
  /** One imperative sentence. */
  readonly remedy: string;
  readonly columns?: readonly string[];
  /** Some of the rows concerned, counted from 1: at most {@link ROWS_SHOWN}. */
  readonly rows?: readonly number[];
  /** How many rows are concerned. */
  readonly count?: number;
  /** Figures behind the message, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type Severity = 'error' | 'warning' | 'info';

export type FindingCode =
  | 'EQUAL_ROWS_ACROSS_PARTS'
  | 'CONTRADICTING_ROWS'
  | 'DUPLICATE_ROWS'
  | 'TARGET_LEAK'
  | 'SUSPICIOUS_FEATURE'
  | 'ID_LIKE_FEATURE'
  | 'CONSTANT_FEATURE'
  | 'EMPTY_FEATURE'
  | 'MOSTLY_MISSING_FEATURE'
  | 'IMPRECISE_FEATURE'
  | 'TARGET_MISSING'
  | 'CONSTANT_TARGET'
  | 'TINY_CLASS'
  | 'CLASS_ABSENT'
  | 'LABEL_FLIPS'
  | 'LABELS_AGAINST_NEIGHBOURS'
  | 'INJECTED_DUPLICATES'
  | 'OUTLYING_ROWS'
  | 'PRODUCTION_SHIFT'
  | 'SUSPECT_LABELS';

const ROWS_SHOWN = 20;

/** Row indices as a finding shows them: the first few, counted from 1. */
export function shownRows(rows: Iterable<number>): number[] {
  const shown: number[] = [];
  for (const row of rows) {
    if (shown.length === ROWS_SHOWN) break;
    shown.push(row + 1);
  }
  return shown;
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Findings, gravest first, else in the order they came. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}

/** `0.0123` -> `1.2 %`. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`;
}

/** `1 row`, `12 rows`. */
export function rowsOf(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}
