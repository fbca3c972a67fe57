import { BallastError } from '../errors.js';
import { nearest } from './nearest.js';

export type Path = readonly PropertyKey[];

/** One fault that the schema found, as zod reports it. */
export interface Issue {
  readonly code: string;
  readonly message: string;
  readonly path: Path;
  readonly expected?: string;
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** What explaining an issue needs to know of the spec it is in. */
export interface IssueSetting {
  /** The value that was checked. */
  readonly value: unknown;
  /** Where a path stands in the file: at its value, or at its key. */
  readonly placeOf: (at: Path, part?: 'key') => string;
  /** Keys that may stand at a path; empty where that is not known. */
  readonly keysAt: (at: Path) => readonly string[];
  /** Where to look up what is allowed. */
  readonly help: string;
}

/** Sections of the contract that this version does not act on: better refused than ignored. */
const LATER: ReadonlyMap<string, string> = new Map([['retraining', 'retraining']]);

const KINDS: ReadonlyMap<string, string> = new Map([
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['string', 'text'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'a mapping'],
  ['record', 'a mapping'],
]);

/** The issue to tell: the first, but a misspelled key rather than that the right one is missing. */
export function firstIssue(issues: readonly Issue[]): Issue {
  const [first] = issues;
  const parent = JSON.stringify(first.path.slice(0, -1));
  const unknown = issues.find(({ code, path }) => code === 'unrecognized_keys' && JSON.stringify(path) === parent);
  return unknown ?? first;
}

/** The error of an issue: which key, what is wrong with it, where it stands, what may stand there. */
export function issueError(issue: Issue, setting: IssueSetting): BallastError {
  const { placeOf, help } = setting;
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) return unknownKey(issue, setting);
  const branch = issue.code === 'invalid_union' ? likeliest(issue) : undefined;
  if (branch !== undefined) return issueError(branch, setting);
  const given = valueAt(setting.value, issue.path);
  const key = String(issue.path.at(-1) ?? 'spec');
  const allowed = issue.values ?? issue.options;
  if (given === undefined) {
    return new BallastError(`"${key}" is missing`, {
      code: 'SPEC_MISSING_KEY',
      place: placeOf(issue.path),
      remedy: allowed === undefined ? help : `It is one of ${allowed.join(', ')}`,
    });
  }
  const meant = typeof given === 'string' && allowed !== undefined ? nearest(given, allowed.map(String)) : undefined;
  const subject = typeof issue.path.at(-1) === 'number' ? `entry ${Number(issue.path.at(-1)) + 1}` : `"${key}"`;
  return new BallastError(`${subject} ${expectation(issue)}`, {
    code: 'SPEC_INVALID',
    place: placeOf(issue.path),
    ...(typeof given === 'object' && given !== null ? {} : { value: given }),
    remedy: meant === undefined ? help : `Did you mean ${meant}?`,
  });
}

function unknownKey({ path, keys = [] }: Issue, { placeOf, keysAt, help }: IssueSetting): BallastError {
  const [key = ''] = keys;
  const place = placeOf([...path, key], 'key');
  const later = path.length === 0 ? LATER.get(key) : undefined;
  if (later !== undefined) {
    return new BallastError(`"${key}" is not supported: this version has no ${later}`, {
      code: 'SPEC_NOT_SUPPORTED',
      place,
      remedy: 'Remove the section',
    });
  }
  return new BallastError(`unknown key "${key}"`, {
    code: 'SPEC_UNKNOWN_KEY',
    place,
    remedy: keyRemedy(key, keysAt(path), path) ?? help,
  });
}

function keyRemedy(key: string, known: readonly string[], path: Path): string | undefined {
  const meant = nearest(key, known);
  if (meant !== undefined) return `Did you mean ${meant}?`;
  if (path[0] !== 'regularizers') {
    if (/decay/i.test(key)) return 'Weight decay is a regularizer: { type: weight-decay, strength: 0.01 }';
    if (/dropout|l1|l2|smoothing|mixup|cutmix|augment/i.test(key)) return 'Declare it under regularizers';
  }
  return known.length === 0 ? undefined : `Keys here are ${known.join(', ')}`;
}

/** What must stand there, as the end of a sentence that begins with the key. */
function expectation(issue: Issue): string {
  const { code, expected, origin, minimum, maximum, inclusive = true, message } = issue;
  const allowed = issue.values ?? issue.options;
  const counts = origin === 'array' || origin === 'string';
  switch (code) {
    case 'invalid_type':
      return `must be ${KINDS.get(expected ?? '') ?? expected}`;
    case 'too_small':
      if (counts) return minimum === 1 ? 'must not be empty' : `needs at least ${minimum} entries`;
      return `must be ${inclusive ? 'at least' : 'above'} ${minimum}`;
    case 'too_big':
      if (counts) return `has more than ${maximum} entries`;
      return `must be ${inclusive ? 'at most' : 'below'} ${maximum}`;
    case 'invalid_value':
    case 'invalid_union': {
      if (allowed !== undefined) return `must be ${allowed.length === 1 ? '' : 'one of '}${allowed.join(', ')}`;
      const kinds = (issue.errors ?? []).flatMap(([first]) => (first === undefined ? [] : [expectation(first)]));
      return [...new Set(kinds)]
        .map((kind, index) => (index === 0 ? kind : kind.replace(/^must be /, '')))
        .join(', or ');
    }
    case 'invalid_format':
    case 'custom':
      return `must be ${message}`;
    default:
      return `is wrong: ${message}`;
  }
}

/**
 * Of the alternatives of a union the one that was most likely meant: the fewest faults, and none of them at the value as
 * a whole. Undefined where the value is of none of the kinds.
 */
function likeliest({ errors = [], path }: Issue): Issue | undefined {
  const inside = errors.filter((branch) => branch.every((issue) => issue.path.length > 0 || issue.keys !== undefined));
  const [best] = [...inside].sort((a, b) => a.length - b.length);
  const [first] = best ?? [];
  return first === undefined ? undefined : { ...first, path: [...path, ...first.path] };
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (node, key) =>
      node !== null && typeof node === 'object' && Object.hasOwn(node, key)
        ? (node as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}
