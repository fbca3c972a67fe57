import { BallastError } from '../../errors.js';
import type { WindowCounts } from '../../store/index.js';
import type { ComparedKind } from '../drift/source-summary.js';
import { ColumnSketch } from '../sketch/column-sketch.js';

/**
 * What a model's rows and answers were when it was trained: what production is held against. Columns go by the names of
 * sketches (`feature/age`, `prediction`, `confidence`, `score/0`).
 */
export interface Reference {
  readonly task: 'classification' | 'regression';
  readonly classes: readonly string[];
  readonly columns: ReadonlyMap<string, { readonly kind: ComparedKind; readonly sketch: ColumnSketch }>;
  /** Rows that the model was not trained on, with what it lost on each: 1 for a wrong class, or the absolute error. */
  readonly sample: {
    readonly columns: Readonly<Record<string, readonly (number | string | null)[]>>;
    readonly loss: readonly number[];
  };
  /** By confidence, how often those rows were answered rightly; as in the windows of production. */
  readonly confidence: Pick<WindowCounts['confidence'], 'labelled' | 'labelledSum' | 'right'>;
  /** Mean loss of all rows that the model was not trained on, and how many there are. */
  readonly loss: { readonly mean: number; readonly rows: number };
  /** Share of the data's rows that these are not known to stand for: any column may differ by as much for no other reason. */
  readonly unknown: number;
}

interface Stored extends Omit<Reference, 'columns' | 'unknown'> {
  readonly version: 1;
  readonly unknown?: number;
  readonly columns: readonly { readonly name: string; readonly kind: ComparedKind; readonly sketch: string }[];
}

/** As JSON. */
export function encodeReference(reference: Reference): Uint8Array {
  const columns = [...reference.columns].map(([name, { kind, sketch }]) => ({
    ...{ name, kind },
    sketch: Buffer.from(sketch.encode()).toString('base64'),
  }));
  return Buffer.from(JSON.stringify({ ...reference, version: 1, columns } satisfies Stored));
}

/** @throws BallastError `REFERENCE_UNREADABLE` */
export function decodeReference(bytes: Uint8Array, place: string): Reference {
  const { version, columns, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as Stored;
  if (version !== 1) {
    throw new BallastError(`the reference is of version ${String(version)}, and this Ballast reads 1`, {
      code: 'REFERENCE_UNREADABLE',
      place,
      remedy: 'Update Ballast',
    });
  }
  return {
    unknown: 0,
    ...rest,
    columns: new Map(
      columns.map(({ name, kind, sketch }) => [
        name,
        { kind, sketch: ColumnSketch.decode(Buffer.from(sketch, 'base64')) },
      ]),
    ),
  };
}
