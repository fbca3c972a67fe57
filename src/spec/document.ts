import { isMap, isNode, isScalar, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { BallastError } from '../errors.js';
import type { Path } from './issue.js';

/** A YAML text as a value, and where in the text each part of it stands. */
export interface SpecDocument {
  readonly value: unknown;
  /** `spec.yaml:12:3 training.epochs`: the place of a path's value or key; of its innermost parent where it is missing. */
  readonly placeOf: (at: Path, part?: 'key') => string;
}

/** What yaml calls faults that a reader of the message would not know. */
const FAULTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: 'this key is given twice',
  MULTIPLE_DOCS: 'a second document begins here, and a spec is one',
};

/** Brackets and indentation deeper than any spec has; the parser recurses once a level. */
const DEEPEST = 100;

/**
 * Parses YAML (or JSON, which is YAML).
 *
 * @param file what messages call the text
 * @throws BallastError SPEC_SYNTAX with line and column
 */
export function parseSpecDocument(text: string, file: string): SpecDocument {
  refuseDepth(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const position = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [fault] = document.errors;
  if (fault !== undefined) {
    const message = FAULTS[fault.code] ?? `this is not YAML: ${fault.message.split('\n')[0]}`;
    throw new BallastError(message, { code: 'SPEC_SYNTAX', place: position(fault.pos[0]) });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // The parser is done; what is left are aliases: too many of them, unknown ones, or one inside its own anchor.
    throw new BallastError(`the aliases of the spec do not work out: ${(cause as Error).message}`, {
      code: 'SPEC_SYNTAX',
      place: file,
      remedy: 'Write the parts out',
      cause,
    });
  }
  const placeOf: SpecDocument['placeOf'] = (at, part) => {
    if (part === 'key') {
      const parent = at.length === 1 ? document.contents : document.getIn(at.slice(0, -1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(at.at(-1)))
        : undefined;
      if (isNode(pair?.key) && pair.key.range) return `${position(pair.key.range[0])} ${formatPath(at)}`;
    }
    for (let depth = at.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(at.slice(0, depth), true);
      if (isNode(node) && node.range) return `${position(node.range[0])} ${formatPath(at)}`.trimEnd();
    }
    return `${file} ${formatPath(at)}`.trimEnd();
  };
  return { value, placeOf };
}

/** `training.optimizer`, `regularizers[0].strength`. */
export function formatPath(path: Path): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join('');
}

/** Refuses nesting that would exhaust the parser; brackets within text count too, of which no spec has so many. */
function refuseDepth(text: string, file: string): void {
  let open = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const opening = /^[\s\-?:]*/.exec(line)?.[0].length ?? 0;
    for (const character of line) {
      if (character === '[' || character === '{') open++;
      else if (character === ']' || character === '}') open--;
    }
    if (open > DEEPEST || opening > 4 * DEEPEST) {
      throw new BallastError(`the spec is nested more than ${DEEPEST} levels deep`, {
        code: 'SPEC_SYNTAX',
        place: `${file}:${index + 1}`,
      });
    }
  }
}
