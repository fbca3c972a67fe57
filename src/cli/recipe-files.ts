import { readdir, readFile } from 'node:fs/promises';
import { BallastError } from '../errors.js';

const FOLDER = new URL('../../recipes/', import.meta.url);

/** Levels of maturity, each with more techniques than the one before. */
export const LEVELS = ['beginner', 'intermediate', 'advanced'] as const;
export type Level = (typeof LEVELS)[number];

export interface Recipe {
  /** `p1-simple-penalty`, without its level. */
  readonly name: string;
  /** Undefined where there is only one. */
  readonly level: Level | undefined;
  /** Its opening comment. */
  readonly summary: string;
  readonly text: string;
}

/** Every recipe that the package ships, by name and level. */
export async function listRecipes(): Promise<Recipe[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.yaml')).sort();
  const recipes = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, FOLDER), 'utf8');
      const comment = text.split('\n').filter((line) => line.startsWith('#'));
      const [, name, level] = /^(.*?)(?:-(beginner|intermediate|advanced))?\.yaml$/.exec(file)!;
      return { name, level: level as Level | undefined, summary: (comment[0] ?? '').slice(1).trim(), text };
    }),
  );
  const rank = ({ level }: Recipe): number => (level === undefined ? 0 : LEVELS.indexOf(level));
  return recipes.sort((a, b) => (a.name === b.name ? rank(a) - rank(b) : a.name < b.name ? -1 : 1));
}

/**
 * The recipe of that name; the number of a pipeline may be left out (`simple-penalty`).
 *
 * @param level of maturity; beginner unless given
 * @throws BallastError RECIPE_UNKNOWN, RECIPE_LEVEL
 */
export async function findRecipe(name: string, level?: Level): Promise<Recipe> {
  const recipes = await listRecipes();
  const named = recipes.filter((recipe) => recipe.name === name || recipe.name.replace(/^p\d+-/, '') === name);
  if (named.length === 0) {
    throw new BallastError(`there is no recipe "${name}"`, {
      code: 'RECIPE_UNKNOWN',
      remedy: `Recipes: ${[...new Set(recipes.map((candidate) => candidate.name))].join(', ')}`,
    });
  }
  const found = level === undefined ? named[0] : named.find((recipe) => recipe.level === level);
  if (found === undefined) {
    const levels = named.flatMap((recipe) => recipe.level ?? []);
    throw new BallastError(`"${name}" has no level ${level}`, {
      code: 'RECIPE_LEVEL',
      remedy: levels.length === 0 ? 'It has one level: leave --level out' : `Levels: ${levels.join(', ')}`,
    });
  }
  return found;
}
