import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { describeRegularizer, methodCard } from '../regularizers/catalogue.js';
import { listRegularizers, regularizerOf } from '../regularizers/registry.js';
import type { Regularizer } from '../regularizers/regularizer.js';
import { refuseGiven } from './given-options.js';
import { type InteractionOptions, showInteractions } from './interactions.js';
import { wholeNumber } from './option-values.js';
import { answer, withCommonOptions } from './output.js';

interface RegularizersOptions extends InteractionOptions {
  interactions?: boolean;
}

export function regularizersCommand(): Command {
  return withCommonOptions(new Command('regularizers'))
    .argument('[name]', 'show the method card of one')
    .option('--interactions', 'what goes badly together; with --spec, measured on your data')
    .option('--spec <spec>', 'with --interactions: a spec whose regularizers are trained alone and pair by pair')
    .option('--seeds <count>', 'with --spec: how many seeds', wholeNumber(2, 100), 3)
    .addHelpText(
      'after',
      `
Examples:
  ballast regularizers
  ballast regularizers dropout
  ballast regularizers --interactions --spec digits/spec.yaml --seeds 3
`,
    )
    .action(async (name: string | undefined, options: RegularizersOptions, command: Command) => {
      if (options.interactions === true) {
        refuseName(name);
        if (options.spec === undefined)
          refuseGiven(command, ['seeds'], { reason: 'needs a spec to train', remedy: 'Add --spec' });
        return showInteractions(options);
      }
      refuseGiven(command, ['spec', 'seeds'], { reason: 'goes with --interactions', remedy: 'Add --interactions' });
      if (name === undefined) {
        const all = listRegularizers().map(describeRegularizer);
        answer(options, all, table(listRegularizers()));
        return;
      }
      const regularizer = regularizerOf(name);
      const card = await methodCard(name);
      answer(options, { ...describeRegularizer(regularizer), card }, card.trimEnd());
    });
}

function refuseName(name: string | undefined): void {
  if (name === undefined) return;
  throw new BallastError('--interactions lists all pairs, not those of one', {
    code: 'USAGE',
    place: name,
    remedy: `Leave out the name; ballast regularizers ${name} --json has its conflicts`,
  });
}

function table(regularizers: readonly Regularizer[]): string {
  const rows = regularizers.map(({ type, technique, strength, title }) => [
    type,
    technique,
    strength.inverse === undefined
      ? `${strength.default} (${strength.range[0]} .. ${strength.range[1]}, ${strength.scale})`
      : `${strength.inverse.option} ${strength.inverse.toOption(strength.default)}`,
    title,
  ]);
  const head = ['type', 'row', 'strength: default (range)', 'what'];
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
