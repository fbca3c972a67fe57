import { benjaminiHochberg, kolmogorovSf, quantile } from '../../numeric/index.js';
import type { Reference } from '../reference/reference.js';
import type { ColumnSketch } from '../sketch/column-sketch.js';
import { featureOf } from '../sketch/observed-columns.js';
import type { SpanOfColumns } from './columns-of-windows.js';
import { type FeatureTest, testFeature } from './feature.js';
import { nearAsEqual } from './near-values.js';
import { qualityEffect } from './quality-effect.js';
import { lumpCategories } from './source-summary.js';

export interface ProductionDriftOptions {
  /** Share of false discoveries among all tests, over columns and windows. Default 0.05. */
  readonly fdr?: number;
  /** Least effect that is called drift, as a share of the rows. Default 0.05. */
  readonly leastEffect?: number;
  /** A column drifts where it does in so many of the last {@link within} windows. Default 2. */
  readonly persistence?: number;
  /** Default 3. */
  readonly within?: number;
}

/** One column over the windows. */
export interface ColumnDrift extends Omit<FeatureTest, 'name'> {
  /** The feature, or `prediction`, `confidence`, `score/0`, ... */
  readonly name: string;
  /** Of the last window: its p-value adjusted for all tests of all windows. */
  readonly adjusted: number;
  /** What an effect must exceed: the least one, or what was usual in earlier windows. */
  readonly threshold: number;
  /** The windows, oldest first: start (ms since the epoch), effect, and whether it drifted in it. */
  readonly windows: readonly { readonly start: number; readonly effect: number; readonly drifted: boolean }[];
  /** Whether it drifted in enough of the last windows. */
  readonly drifted: boolean;
  /** What this column's change alone would add to the model's mean loss; null of what the model says, or where it is not known. */
  readonly qualityEffect: number | null;
}

export interface ProductionDrift {
  readonly drifted: boolean;
  readonly windows: readonly { readonly start: number; readonly ms: number; readonly rows: number }[];
  /** By what they would do to quality, those that drifted first. */
  readonly features: readonly ColumnDrift[];
  /** What the model says: classes or numbers, confidence, scores. */
  readonly predictions: readonly ColumnDrift[];
  readonly fdr: number;
  readonly persistence: { readonly windows: number; readonly within: number };
  /** Share of the data's rows that the reference does not know ({@link Reference}); effects are what is beyond it. */
  readonly unknown: number;
  /** Features of the reference that production does not send, and the reverse. */
  readonly columns: { readonly onlyReference: readonly string[]; readonly onlyCurrent: readonly string[] };
}

/** Fewer rows say nothing of a window. */
const FEWEST_ROWS = 30;
/** Earlier windows from which on what is usual is known. */
const HISTORY = 7;
/** What is usual raises the threshold to this multiple of the least effect at most: slow drift must not hide itself. */
const MOST_RAISED = 3;

/**
 * Holds the windows of a model in production against its reference. Every column of every window is tested, all tests are adjusted
 * together (Benjamini and Hochberg), and a column drifts where the evidence is clear, the effect beyond what matters and beyond what was
 * usual in earlier windows, and where it stays: in 2 of the last 3 windows, unless told.
 */
export function productionDrift(
  reference: Reference,
  spans: readonly SpanOfColumns[],
  options: ProductionDriftOptions = {},
): ProductionDrift {
  const { fdr = 0.05, leastEffect = 0.05, persistence = 2, within = 3 } = options;
  const kept = spans.map((span) => ({ ...span, rows: rowsOf(span) })).filter(({ rows }) => rows >= FEWEST_ROWS);
  const names = [...reference.columns.keys()];
  const tested = names
    .filter((name) => kept.some(({ columns }) => columns.has(name)))
    .map((name) => ({ name, tests: kept.map(({ columns }) => testColumn(reference, name, columns.get(name))) }));
  const adjusted = benjaminiHochberg(tested.flatMap(({ tests }) => tests.map((test) => test?.pValue ?? Number.NaN)));
  // With fewer windows than persistence asks for, all of them.
  const [needed, looked] = [
    Math.min(persistence, Math.max(1, kept.length)),
    Math.min(within, Math.max(1, kept.length)),
  ];
  const all = tested.flatMap(({ name, tests }, i): ColumnDrift[] => {
    const own = adjusted.slice(i * kept.length, (i + 1) * kept.length);
    const at = tests.findLastIndex((test) => test !== undefined);
    const last = tests[at];
    if (last === undefined) return [];
    const threshold = thresholdOf(tests.slice(0, -looked), leastEffect);
    const windows = tests.flatMap((test, w) =>
      test === undefined
        ? []
        : [{ start: kept[w].start, effect: test.effect, drifted: own[w] <= fdr && test.effect >= threshold }],
    );
    const feature = featureOf(name);
    const sketch = kept[at].columns.get(name);
    const effect =
      feature === undefined || sketch === undefined ? undefined : qualityEffect(reference, feature, sketch);
    return [
      {
        ...last,
        name: feature ?? name,
        adjusted: own[at],
        threshold,
        windows,
        drifted: windows.slice(-looked).filter(({ drifted }) => drifted).length >= needed,
        qualityEffect: effect ?? null,
      },
    ];
  });
  const harm = ({ qualityEffect: effect }: ColumnDrift): number => effect ?? 0;
  const ranked = all.sort((a, b) => Number(b.drifted) - Number(a.drifted) || harm(b) - harm(a) || b.effect - a.effect);
  const sent = new Set(kept.at(-1)?.columns.keys());
  const isFeature = (name: string): boolean => featureOf(name) !== undefined;
  const onlyReference = kept.length === 0 ? [] : names.filter((name) => isFeature(name) && !sent.has(name));
  const features = ranked.filter(({ name }) => reference.columns.has(`feature/${name}`));
  return {
    drifted: onlyReference.length > 0 || all.some(({ drifted }) => drifted),
    windows: kept.map(({ start, ms, rows }) => ({ start, ms, rows })),
    features,
    predictions: ranked.filter((each) => !features.includes(each)),
    fdr,
    persistence: { windows: needed, within: looked },
    unknown: reference.unknown,
    columns: {
      onlyReference: onlyReference.map((name) => featureOf(name) ?? name),
      onlyCurrent: [...sent]
        .filter((name) => isFeature(name) && !reference.columns.has(name))
        .map((name) => featureOf(name) ?? name),
    },
  };
}

function rowsOf({ columns }: SpanOfColumns): number {
  let most = 0;
  for (const sketch of columns.values()) most = Math.max(most, sketch.rows);
  return most;
}

function testColumn(reference: Reference, name: string, current: ColumnSketch | undefined): FeatureTest | undefined {
  const own = reference.columns.get(name);
  if (own === undefined || current === undefined || current.rows < FEWEST_ROWS) return undefined;
  const [a, b] = lumpCategories(own.sketch.distribution(own.kind), current.distribution(own.kind));
  const isAnswer = featureOf(name) === undefined && a.kind === 'number' && b.kind === 'number';
  const test = testFeature(name, ...(isAnswer ? nearAsEqual(a, b) : ([a, b] as const)));
  return beyond(test, reference.unknown, own.sketch.rows, current.rows);
}

/** Of a difference only what is beyond the share of rows that the reference does not know; noise comes on top of that share. */
function beyond(test: FeatureTest, unknown: number, n: number, m: number): FeatureTest {
  if (unknown === 0) return test;
  const effect = Math.max(0, test.effect - unknown);
  const pValue = Math.max(test.pValue, kolmogorovSf(Math.sqrt((n * m) / (n + m)) * effect));
  return { ...test, effect, pValue };
}

/** What an effect must exceed, given those of earlier windows. */
function thresholdOf(earlier: readonly (FeatureTest | undefined)[], leastEffect: number): number {
  const effects = earlier.flatMap((test) => (test === undefined ? [] : [test.effect]));
  if (effects.length < HISTORY) return leastEffect;
  return Math.max(leastEffect, Math.min(MOST_RAISED * leastEffect, quantile(effects, 0.95)));
}
