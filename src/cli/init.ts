import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { withLearned } from './learned-spec.js';
import { answer } from './output.js';
import { findRecipe, LEVELS, type Level } from './recipe-files.js';
import { learnedIn } from './recipes.js';

interface InitOptions {
  json?: boolean;
  level?: Level;
  learned?: boolean;
  store: string;
}

export function initCommand(): Command {
  return new Command('init')
    .argument('<recipe>', 'name of a recipe (ballast recipes lists them)')
    .argument('[dir]', 'folder to write into; the recipe’s name unless given')
    .addOption(new Option('--level <level>', 'of maturity; beginner unless given').choices(LEVELS))
    .option('--learned', 'with the strengths that the sweeps of the store found for its task and model')
    .option('--json', 'one JSON document on stdout')
    .option('--store <url>', 'with --learned: where sweeps are kept', process.env.BALLAST_STORE ?? './.ballast')
    .addHelpText(
      'after',
      '\nExamples:\n  ballast init simple-penalty weather && ballast train weather/spec.yaml\n  ballast init p2-stochastic-layer digits --level advanced\n',
    )
    .action(async (name: string, directory: string | undefined, options: InitOptions) => {
      const recipe = await findRecipe(name, options.level);
      const learned = options.learned === true ? withLearned(recipe.text, await learnedIn(options.store)) : undefined;
      const folder = directory ?? name;
      const path = join(folder, 'spec.yaml');
      await makeFolder(folder);
      try {
        await writeFile(path, learned?.text ?? recipe.text, { flag: 'wx' });
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
        { recipe: recipe.name, level: recipe.level, spec: path, ...(learned && { learned: learned.changed }) },
        [...(learned?.changed ?? []), `Wrote ${path}. Next: ballast train ${path}`].join('\n'),
      );
    });
}
