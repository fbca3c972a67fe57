import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { BallastError } from '../errors.js';
import { answer } from './output.js';
import { findRecipe, LEVELS, type Level } from './recipe-files.js';

export function initCommand(): Command {
  return new Command('init')
    .argument('<recipe>', 'name of a recipe (ballast recipes lists them)')
    .argument('[dir]', 'folder to write into; the recipe’s name unless given')
    .addOption(new Option('--level <level>', 'of maturity; beginner unless given').choices(LEVELS))
    .option('--json', 'one JSON document on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  ballast init simple-penalty weather && ballast train weather/spec.yaml\n  ballast init p2-stochastic-layer digits --level advanced\n',
    )
    .action(async (name: string, directory: string | undefined, options: { json?: boolean; level?: Level }) => {
      const recipe = await findRecipe(name, options.level);
      const folder = directory ?? name;
      const path = join(folder, 'spec.yaml');
      await mkdir(folder, { recursive: true });
      try {
        await writeFile(path, recipe.text, { flag: 'wx' });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
        throw new BallastError('a spec is already there', {
          code: 'INIT_EXISTS',
          kind: 'conflict',
          place: path,
          remedy: 'Choose another folder, or remove it first',
        });
      }
      answer(
        options,
        { recipe: recipe.name, level: recipe.level, spec: path },
        `Wrote ${path}. Next: ballast train ${path}`,
      );
    });
}
