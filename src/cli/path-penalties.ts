import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { pathOptions } from '../spec/path-options.js';
import type { ResolvedSpec } from '../spec/read.js';
import { resolveSpec } from '../spec/read.js';
import { names, namesByGroup, numbersByName } from './option-values.js';

/** Options that say what single columns are given. */
export interface ColumnOptions {
  factors?: Record<string, number>;
  lower?: Record<string, number>;
  upper?: Record<string, number>;
  nonNegative?: string[] | true;
  groups?: Record<string, string[]> | true;
}

/** Their names, as the command knows them. */
export const OF_COLUMNS = ['factors', 'lower', 'upper', 'nonNegative', 'groups'];

export function withColumnOptions(command: Command): Command {
  return command
    .option(
      '--factors <list>',
      'relative penalties of columns, as age=0,city=2; 0 is not penalised; as path.factors of the spec',
      numbersByName,
    )
    .option('--lower <list>', 'least coefficients in units of the raw columns, as age=-1; path.lower', numbersByName)
    .option('--upper <list>', 'greatest coefficients, as age=0,income=2; path.upper', numbersByName)
    .option('--non-negative [columns]', 'coefficients not below 0, of these columns or all; path.nonNegative', names)
    .option(
      '--groups [list]',
      'columns that come into the model together, as place=city+street; of each column its features; path.groups',
      namesByGroup,
    );
}

/** The spec with what the command line says of columns: it counts before what the spec says of the same. */
export function withColumns(resolved: ResolvedSpec, options: ColumnOptions): ResolvedSpec {
  const { factors, lower, upper, nonNegative, groups } = options;
  if ([factors, lower, upper, nonNegative, groups].every((each) => each === undefined)) return resolved;
  refuseWrong('factors', factors);
  refuseWrong('lower', lower);
  refuseWrong('upper', upper);
  const { spec, baseDirectory, path } = resolved;
  const merged = {
    ...spec.path,
    ...(factors === undefined ? {} : { factors: { ...spec.path?.factors, ...factors } }),
    ...(lower === undefined ? {} : { lower: { ...spec.path?.lower, ...lower } }),
    ...(upper === undefined ? {} : { upper: { ...spec.path?.upper, ...upper } }),
    ...(nonNegative === undefined ? {} : { nonNegative }),
    ...(groups === undefined ? {} : { groups }),
  };
  return { ...resolveSpec({ ...spec, path: merged }, baseDirectory), path };
}

/** What the spec would refuse too, by the name of the option. @throws BallastError USAGE */
function refuseWrong(name: 'factors' | 'lower' | 'upper', given: Record<string, number> | undefined): void {
  const parsed = pathOptions.shape[name].safeParse(given);
  if (parsed.success) return;
  const column = String(parsed.error.issues[0].path[0]);
  throw new BallastError(`"${column}": ${parsed.error.issues[0].message}`, {
    code: 'USAGE',
    place: `--${name}`,
    value: given?.[column],
    remedy: 'Bounds of coefficients hold 0 between them, and factors are 0 or more',
  });
}
