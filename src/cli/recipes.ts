import { Command } from 'commander';
import { answer } from './output.js';
import { listRecipes } from './recipe-files.js';

export function recipesCommand(): Command {
  return new Command('recipes')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExample:\n  ballast recipes\n')
    .action(async (options: { json?: boolean }) => {
      const recipes = (await listRecipes()).map(({ name, level, summary }) => ({ name, level, summary }));
      const title = ({ name, level }: { name: string; level: string | undefined }): string =>
        level === undefined ? name : `${name} --level ${level}`;
      const width = Math.max(...recipes.map((recipe) => title(recipe).length));
      const lines = recipes.map((recipe) => `${title(recipe).padEnd(width)}  ${recipe.summary}`);
      answer(options, { recipes }, [...lines, '', 'Next: ballast init RECIPE [DIR]'].join('\n'));
    });
}
