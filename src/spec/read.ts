import { dirname, resolve } from 'node:path';
import { BallastError } from '../errors.js';
import { listRegularizers, regularizerOf } from '../regularizers/registry.js';
import type { Active } from '../regularizers/regularizer.js';
import { entrySchema, resolveEntry } from '../regularizers/resolve.js';
import { refuseContradictions } from './contradictions.js';
import { formatPath, parseSpecDocument, type SpecDocument } from './document.js';
import { firstIssue, type Issue, issueError, type Path } from './issue.js';
import { knownKeys } from './known-keys.js';
import { nearest } from './nearest.js';
import { type Spec, specJsonSchema, specSchema } from './schema.js';
import { readSpecText } from './spec-text.js';

/** A spec ready to run: validated, defaults written in, regularizers resolved. */
export interface ResolvedSpec {
  readonly spec: Spec;
  readonly regularizers: readonly Active[];
  /** Directory that relative paths of the spec start from. */
  readonly baseDirectory: string;
  /** File it was read from, or undefined. */
  readonly path: string | undefined;
}

/**
 * Reads a spec file (YAML, or JSON, which is YAML).
 *
 * @throws BallastError SPEC_* with file, line and column of what is wrong
 */
export async function readSpec(path: string): Promise<ResolvedSpec> {
  return parseSpec(await readSpecText(path), { path, baseDirectory: dirname(resolve(path)) });
}

/** Parses and validates the text of a spec. */
export function parseSpec(
  text: string,
  { path, baseDirectory }: { path?: string; baseDirectory: string },
): ResolvedSpec {
  const { value, placeOf } = parseSpecDocument(text, path ?? 'spec');
  return validateSpec(value, { placeOf, baseDirectory, path });
}

/** Validates a spec given as an object (the TypeScript API). */
export function resolveSpec(value: unknown, baseDirectory = process.cwd()): ResolvedSpec {
  return validateSpec(value, { placeOf: (at) => `spec ${formatPath(at)}`.trimEnd(), baseDirectory, path: undefined });
}

function validateSpec(
  value: unknown,
  {
    placeOf,
    baseDirectory,
    path,
  }: { placeOf: SpecDocument['placeOf']; baseDirectory: string; path: string | undefined },
): ResolvedSpec {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new BallastError('a spec is a mapping with name, data, task and model', {
      code: 'SPEC_SHAPE',
      place: placeOf([]),
    });
  }
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) {
    throw issueError(firstIssue(parsed.error.issues), {
      value,
      placeOf,
      keysAt: (at) => knownKeys(specJsonSchema(), value, at),
      help: 'ballast schema prints what may stand there',
    });
  }
  const spec = parsed.data;
  refuseContradictions(spec, placeOf);
  const regularizers = spec.regularizers.map((entry, index) => {
    refuseEntry(entry, ['regularizers', index], value, placeOf);
    return resolveEntry(entry, placeOf(['regularizers', index]));
  });
  const seen = new Set<string>();
  regularizers.forEach(({ regularizer, options }, index) => {
    const key = `${regularizer.type} ${JSON.stringify((options as { mode?: string }).mode ?? '')}`;
    if (seen.has(key)) {
      throw new BallastError(`${regularizer.type} is declared twice`, {
        code: 'SPEC_REGULARIZER_TWICE',
        place: placeOf(['regularizers', index]),
        remedy: 'Keep one entry with the strength you mean',
      });
    }
    seen.add(key);
  });
  return { spec, regularizers, baseDirectory, path };
}

/** Refuses an entry whose options are not those of its regularizer, and says where in the file. */
function refuseEntry(
  entry: Spec['regularizers'][number],
  at: Path,
  value: unknown,
  placeOf: SpecDocument['placeOf'],
): void {
  const place = placeOf([...at, 'type']);
  const names = listRegularizers().map(({ type }) => type);
  const meant = names.includes(entry.type) ? undefined : nearest(entry.type, names);
  if (meant !== undefined) {
    throw new BallastError(`there is no regularizer "${entry.type}"`, {
      code: 'REGULARIZER_UNKNOWN',
      place,
      remedy: `Did you mean ${meant}?`,
    });
  }
  const schema = entrySchema(regularizerOf(entry.type, place));
  const parsed = schema.safeParse(entry);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const keys = Object.keys(schema.shape);
  throw issueError({ ...issue, path: [...at, ...issue.path] } as Issue, {
    value,
    placeOf,
    keysAt: (path) => (path.length === at.length ? keys : []),
    help: `ballast regularizers ${entry.type} shows its options`,
  });
}
