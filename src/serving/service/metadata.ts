import { BallastError } from '../../errors.js';
import type { Parameters } from '../protocol/request.js';

/** Parameters of the protocol and its extensions, which say nothing of the client. */
const OF_PROTOCOL = new Set(['binary_data_output', 'binary_data_size', 'classification', 'priority', 'timeout']);
const PREFIX = 'x-ballast-';
/** Headers that steer, and do not describe. */
const STEERING = new Set([`${PREFIX}version`]);
const MOST_ENTRIES = 32;
const LONGEST = 256;

/**
 * What a client says of itself and of its request, by parameters and by headers `x-ballast-NAME`: device, region, ... The
 * parameter counts where both say it.
 *
 * @throws BallastError `METADATA_LIMIT`
 */
export function metadataOf(
  parameters: Parameters | undefined,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(PREFIX) || STEERING.has(name) || typeof value !== 'string') continue;
    metadata[name.slice(PREFIX.length)] = value;
  }
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (!OF_PROTOCOL.has(name) && !name.startsWith('sequence_')) metadata[name] = String(value);
  }
  const entries = Object.entries(metadata);
  const long = entries.find(([name, value]) => name.length > LONGEST || value.length > LONGEST);
  if (entries.length <= MOST_ENTRIES && long === undefined) return metadata;
  throw new BallastError(`A request says at most ${MOST_ENTRIES} things of itself, of up to ${LONGEST} characters`, {
    code: 'METADATA_LIMIT',
    place: long === undefined ? 'parameters' : `parameters.${long[0].slice(0, 40)}`,
  });
}
