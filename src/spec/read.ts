import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { BallastError } from '../errors.js';
import type { Active } from '../regularizers/regularizer.js';
import { resolveEntry } from '../regularizers/resolve.js';
import { type Spec, specSchema } from './schema.js';

/** A spec ready to run: validated, defaults written in, regularizers resolved. */
export interface ResolvedSpec {
  readonly spec: Spec;
  readonly regularizers: readonly Active[];
  /** Directory that relative paths of the spec start from. */
  readonly baseDirectory: string;
  /** File it was read from, or undefined. */
  readonly path: string | undefined;
}

/** Sections of the contract that this version does not act on: better refused than ignored. */
const LATER: Readonly<Record<string, string>> = {
  search: 'sweeps',
  slo: 'service levels',
  rollout: 'rollouts',
  retraining: 'retraining',
};

type Path = readonly PropertyKey[];

/**
 * Reads a spec file (YAML, or JSON, which is YAML).
 *
 * @throws BallastError SPEC_* with file, line and column of what is wrong
 */
export async function readSpec(path: string): Promise<ResolvedSpec> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BallastError(
      code === 'ENOENT' ? 'there is no such spec file' : `the spec file cannot be read (${code})`,
      {
        code: 'SPEC_UNREADABLE',
        place: path,
        remedy: 'ballast init digits writes one to start from',
        cause,
      },
    );
  }
  return parseSpec(text, { path, baseDirectory: dirname(resolve(path)) });
}

/** Parses and validates the text of a spec. */
export function parseSpec(
  text: string,
  { path, baseDirectory }: { path?: string; baseDirectory: string },
): ResolvedSpec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const file = path ?? 'spec';
  const placeOf = (at: Path): string => {
    // The innermost node on the way that exists: a missing key is shown where its parent stands.
    for (let depth = at.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(at.slice(0, depth), true);
      if (isNode(node) && node.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return `${file}:${line}:${col} ${formatPath(at)}`.trimEnd();
      }
    }
    return `${file} ${formatPath(at)}`.trimEnd();
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw new BallastError(`this is not YAML: ${syntax.message.split('\n')[0]}`, {
      code: 'SPEC_SYNTAX',
      place: `${file}:${line}:${col}`,
    });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new BallastError('the spec expands too many aliases', { code: 'SPEC_SYNTAX', place: file, cause });
  }
  return validateSpec(value, { placeOf, baseDirectory, path });
}

/** Validates a spec given as an object (the TypeScript API). */
export function resolveSpec(value: unknown, baseDirectory = process.cwd()): ResolvedSpec {
  return validateSpec(value, { placeOf: (at) => `spec ${formatPath(at)}`.trimEnd(), baseDirectory, path: undefined });
}

function validateSpec(
  value: unknown,
  { placeOf, baseDirectory, path }: { placeOf: (at: Path) => string; baseDirectory: string; path: string | undefined },
): ResolvedSpec {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new BallastError('a spec is a mapping with name, data, task and model', {
      code: 'SPEC_SHAPE',
      place: placeOf([]),
    });
  }
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) throw firstIssue(parsed.error.issues[0], value, placeOf);
  const spec = parsed.data;
  const regularizers = spec.regularizers.map((entry, index) => resolveEntry(entry, placeOf(['regularizers', index])));
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

interface Issue {
  readonly code: string;
  readonly message: string;
  readonly path: Path;
  readonly keys?: readonly string[];
}

function firstIssue(issue: Issue, value: unknown, placeOf: (at: Path) => string): BallastError {
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    const [key] = issue.keys;
    const at = [...issue.path, key];
    const later = issue.path.length === 0 ? LATER[key] : undefined;
    if (later !== undefined) {
      return new BallastError(`"${key}" is not supported: this version has no ${later}`, {
        code: 'SPEC_NOT_SUPPORTED',
        place: placeOf(at),
        remedy: 'Remove the section',
      });
    }
    return new BallastError(`unknown key "${key}"`, {
      code: 'SPEC_UNKNOWN_KEY',
      place: placeOf(at),
      remedy: hintFor(key),
    });
  }
  const given = issue.path.reduce<unknown>(
    (node, key) =>
      node !== null && typeof node === 'object' ? (node as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
  const missing = given === undefined;
  return new BallastError(missing ? `"${String(issue.path.at(-1))}" is missing` : lowerFirst(issue.message), {
    code: missing ? 'SPEC_MISSING_KEY' : 'SPEC_INVALID',
    place: placeOf(issue.path),
    ...(missing || typeof given === 'object' ? {} : { value: given }),
    remedy: 'ballast schema prints what may stand there',
  });
}

function hintFor(key: string): string {
  if (/decay/i.test(key)) return 'Weight decay is a regularizer: { type: weight-decay, strength: 0.01 }';
  if (/dropout|l1|l2|smoothing|mixup|augment/i.test(key)) return 'Declare it under regularizers';
  return 'ballast schema prints the keys that may stand there';
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function formatPath(path: Path): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join('');
}
