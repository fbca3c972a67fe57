import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { interactionsOf } from './interactions.js';
import { regularizerOf } from './registry.js';
import { HOOK_ORDER, type InputDescription, type Regularizer } from './regularizer.js';
import { entrySchema } from './resolve.js';

/** What inputs are called that hold these contents. */
const MODALITIES: Readonly<Record<InputDescription['content'], string>> = {
  tabular: 'tabular',
  image: 'image',
  series: 'series',
  audio: 'audio',
  tokens: 'text',
};

/** The typed metadata of a regularizer as a document. */
export function describeRegularizer(regularizer: Regularizer) {
  const { type, title, technique, summary, strength, needs = {}, cost, fails, dataSize, references } = regularizer;
  const { inverse, range, ...scale } = strength;
  return {
    name: type,
    title,
    technique,
    summary,
    acts: HOOK_ORDER.filter((hook) => regularizer.hooks[hook] !== undefined),
    strength: {
      // What a spec writes: patience runs the other way.
      parameter: inverse?.option ?? 'strength',
      min: range[0],
      max: range[1],
      ...scale,
    },
    tasks: needs.classes === true ? ['classification'] : ['classification', 'regression'],
    /** One input at least has to be of one of these kinds. */
    modalities: needs.content?.map((content) => MODALITIES[content]) ?? Object.values(MODALITIES),
    needs,
    conflicts: interactionsOf(type).map(({ first, second, ...rest }) => ({
      with: first === type ? second : first,
      ...rest,
    })),
    options: z.toJSONSchema(entrySchema(regularizer), { io: 'input' }),
    cost,
    fails,
    dataSize,
    source: references,
  };
}

/** The method card of a regularizer, Markdown. @throws BallastError where there is none of this type */
export async function methodCard(type: string): Promise<string> {
  const { type: known } = regularizerOf(type);
  return readFile(new URL(`./${known}/card.md`, import.meta.url), 'utf8');
}
