import { Command } from 'commander';
import { answer } from './output.js';
import { listRecipes } from './recipe-files.js';

export function recipesCommand(): Command {
  return new Command('recipes')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExample:\n  ballast recipes\n')
    .action(async (options: { json?: boolean }) => {
      const recipes = (await listRecipes()).map(({ name, summary }) => ({ name, summary }));
      const width = Math.max(...recipes.map(({ name }) => name.length));
      answer(options, { recipes }, recipes.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n'));
    });
}
