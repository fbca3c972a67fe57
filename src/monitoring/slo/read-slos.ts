import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { parseSpecDocument } from '../../spec/document.js';
import { firstIssue, issueError } from '../../spec/issue.js';
import { knownKeys } from '../../spec/known-keys.js';
import { type Slo, sloOptions } from '../../spec/slo-options.js';

const file = z.strictObject({ slo: z.array(sloOptions) });

/**
 * Objectives of a YAML file: a list below `slo:`, alone or in a spec.
 *
 * @param place what messages call the text
 * @throws BallastError `SPEC_*` with the place in the file
 */
export function parseSlos(text: string, place: string): Slo[] {
  const { value, placeOf } = parseSpecDocument(text, place);
  const slo = typeof value === 'object' && value !== null && 'slo' in value ? value.slo : value;
  if (!Array.isArray(slo)) {
    throw new BallastError('there are no objectives in this file', {
      code: 'SLO_FILE',
      place,
      remedy: 'Write them as a list below "slo:", or give OpenSLO',
    });
  }
  const document = { slo };
  const parsed = file.safeParse(document);
  if (!parsed.success) {
    const schema: Record<string, unknown> = z.toJSONSchema(file, { io: 'input' });
    throw issueError(firstIssue(parsed.error.issues), {
      value: document,
      placeOf: (at) => placeOf(value === slo ? at.slice(1) : at),
      keysAt: (at) => knownKeys(schema, document, at),
      help: 'ballast schema prints what may stand there',
    });
  }
  const names = parsed.data.slo.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new BallastError('two objectives have the same name', { code: 'SLO_TWICE', place, value: twice });
  }
  return parsed.data.slo;
}
