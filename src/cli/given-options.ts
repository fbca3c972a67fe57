import type { Command } from 'commander';
import { BallastError } from '../errors.js';

/**
 * Refuses options that were typed where they would have no effect: no option is silently ignored.
 *
 * @param reason why it has none here, after "it": `describes an .onnx file, and ...`
 * @throws BallastError USAGE naming the option
 */
export function refuseGiven(
  command: Command,
  names: readonly string[],
  { reason, remedy = 'Leave it out' }: { reason: string; remedy?: string },
): void {
  const given = names.find((name) => command.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  throw new BallastError(`it ${reason}`, {
    code: 'USAGE',
    place: `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    remedy,
  });
}
