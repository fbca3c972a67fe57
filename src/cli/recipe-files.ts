import { readdir, readFile } from 'node:fs/promises';
import { BallastError } from '../errors.js';

const FOLDER = new URL('../../recipes/', import.meta.url);

export interface Recipe {
  readonly name: string;
  /** Its opening comment. */
  readonly summary: string;
  readonly text: string;
}

/** Every recipe that the package ships, by name. */
export async function listRecipes(): Promise<Recipe[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, FOLDER), 'utf8');
      const comment = text.split('\n').filter((line) => line.startsWith('#'));
      return { name: file.slice(0, -'.yaml'.length), summary: (comment[0] ?? '').slice(1).trim(), text };
    }),
  );
}

/** @throws BallastError RECIPE_UNKNOWN */
export async function findRecipe(name: string): Promise<Recipe> {
  const recipes = await listRecipes();
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (recipe === undefined) {
    throw new BallastError(`there is no recipe "${name}"`, {
      code: 'RECIPE_UNKNOWN',
      remedy: `Recipes: ${recipes.map((candidate) => candidate.name).join(', ')}`,
    });
  }
  return recipe;
}
