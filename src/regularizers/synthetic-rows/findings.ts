import { derive } from '../../numeric/random.js';
import type { Finding } from '../finding.js';
import { type Matrix, take } from './real-rows.js';
import type { Source, Synthetic } from './source.js';
import { compareRows, type Difference } from './two-sample.js';

/** Rows of each sample that are compared; those of so many classes with most synthetic rows. */
const MOST_COMPARED = 500;
const MOST_CLASSES = 10;
/** From here on the rows are of another distribution, whatever each column says by itself. */
const FAR = 0.8;

type Made = Pick<Synthetic, 'made' | 'labels'>;

/**
 * What is worth knowing of rows that were made: how many there are beside the real ones, how far they lie from real
 * ones of their class, and a warning where either is too much.
 */
export async function tellSynthetic(type: string, source: Source, { made, labels }: Made): Promise<Finding[]> {
  if (made.rows === 0) return [];
  const compared = await compareByClass(type, source, { made, labels });
  const share = made.rows / (made.rows + source.trained);
  const findings: Finding[] = [
    {
      code: 'SYNTHETIC_ROWS',
      severity: 'info',
      message: `${type} added ${made.rows} rows: ${percent(share)} of what is trained on${distances(compared)}`,
      remedy: 'Nothing to do; no synthetic row is validated or evaluated on',
    },
  ];
  const far = compared.filter(({ difference: { area } }) => area !== undefined && area >= FAR);
  if (far.length > 0) {
    findings.push({
      code: 'SYNTHETIC_FAR_FROM_REAL',
      severity: 'warning',
      message: `synthetic rows of ${type} are easily told from real ones${distances(far)}: the network may learn what is peculiar to them`,
      remedy: `Lower the strength of ${type}, or leave it out, and compare on real validation rows`,
    });
  }
  if (share > 0.5) {
    findings.push({
      code: 'SYNTHETIC_DOMINATES',
      severity: 'warning',
      message: `${percent(share)} of the rows trained on are synthetic: the network may overfit to how ${type} makes them`,
      remedy: `Lower the strength of ${type} until real rows are the larger part, and judge on the real holdout`,
    });
  }
  return findings;
}

interface Compared {
  /** Undefined for regression. */
  readonly name: string | undefined;
  readonly difference: Difference;
}

async function compareByClass(type: string, source: Source, { made, labels }: Made): Promise<Compared[]> {
  const { real, members, classes: names, seed } = source;
  const stream = derive(seed, type, 'compare');
  const some = (matrix: Matrix, rows: Int32Array, count: number): Matrix =>
    take(
      matrix,
      Array.from(stream.sample(rows.length, count), (i) => rows[i]),
    );
  const compare = async (name: string | undefined, realRows: Int32Array, madeRows: Int32Array): Promise<Compared> => {
    const count = Math.min(MOST_COMPARED, realRows.length, madeRows.length);
    const difference = await compareRows(some(real, realRows, count), some(made, madeRows, count), real.layout);
    return { name, difference };
  };
  const all = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
  if (labels.length === 0) return [await compare(undefined, all(real.rows), all(made.rows))];
  const madeOf = members.map((_, c) => all(made.rows).filter((row) => labels[row] === c));
  const classes = madeOf
    .flatMap((rows, c) => (rows.length > 0 ? [c] : []))
    .sort((a, b) => madeOf[b].length - madeOf[a].length)
    .slice(0, MOST_CLASSES);
  const result: Compared[] = [];
  for (const c of classes) result.push(await compare(names[c], members[c], madeOf[c]));
  return result;
}

function distances(compared: readonly Compared[]): string {
  const told = compared.map(({ name, difference: { features, tested, largest, area } }) => {
    const of = name === undefined ? '' : `class ${name}: `;
    const apart =
      area === undefined ? 'too few rows to tell apart' : `told from real ones with ROC area ${area.toFixed(2)}`;
    return `${of}${apart}, ${features.length} of ${tested} columns differ (largest distance ${largest.toFixed(2)})`;
  });
  return told.length === 0 ? '' : ` (${told.join('; ')})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
