import { Command } from 'commander';
import { type LearnedRecipe, learnedRecipes } from '../tuning/sweep/learned.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { listRecipes } from './recipe-files.js';
import { storeExists, withStore } from './use-store.js';

export function recipesCommand(): Command {
  return withCommonOptions(new Command('recipes'))
    .addHelpText(
      'after',
      `
Below the ready-made recipes stands what the sweeps of the store found to work, by task, model and size, with the evidence.
New sweeps begin with it, and ballast init RECIPE --learned takes it up.

Example:
  ballast recipes
`,
    )
    .action(async (options: CommonOptions) => {
      const recipes = (await listRecipes()).map(({ name, level, summary }) => ({ name, level, summary }));
      const learned = await learnedIn(options.store);
      const title = ({ name, level }: { name: string; level: string | undefined }): string =>
        level === undefined ? name : `${name} --level ${level}`;
      const width = Math.max(...recipes.map((recipe) => title(recipe).length));
      const lines = recipes.map((recipe) => `${title(recipe).padEnd(width)}  ${recipe.summary}`);
      answer(
        options,
        { recipes, learned },
        [...lines, ...learned.flatMap(learnedLines), '', 'Next: ballast init RECIPE [DIR]'].join('\n'),
      );
    });
}

/** What the sweeps of a store found; nothing where there is no store. */
export async function learnedIn(url: string): Promise<LearnedRecipe[]> {
  if (!(await storeExists(url))) return [];
  return withStore(url, { create: false }, learnedRecipes);
}

function learnedLines({ setting, values, evidence }: LearnedRecipe): string[] {
  const figure = (value: unknown): string =>
    typeof value === 'number' ? String(Number(value.toPrecision(3))) : JSON.stringify(value);
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return [
    '',
    `Learned: ${setting.task}, ${setting.model}, ${setting.rows} training rows`,
    ...Object.entries(values).map(([name, { value, range }]) => {
      const good = range === undefined ? '' : `  good from ${figure(range[0])} to ${figure(range[1])}`;
      return `  ${name.padEnd(width)}  ${figure(value)}${good}`;
    }),
    ...evidence.map(({ sweepId, name, trainRows, trials, objective, metric, corrected, gained }) => {
      const worth = corrected === undefined ? figure(metric) : `${figure(corrected)} corrected`;
      const over = gained === undefined ? '' : `, ${gained >= 0 ? '+' : ''}${figure(gained)} over the spec as it stood`;
      return `  by sweep ${sweepId.slice(0, 8)} of ${name}: ${trials} trials on ${trainRows} rows, ${objective} ${worth}${over}`;
    }),
  ];
}
