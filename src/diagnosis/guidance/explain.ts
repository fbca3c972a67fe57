import { listRegularizers } from '../../regularizers/registry.js';
import { RULES } from '../rules/index.js';
import { NEIGHBOURS, TERMS, type Term } from './terms.js';

export type Explanation =
  | ({ readonly kind: 'term' } & Term)
  | { readonly kind: 'neighbour'; readonly term: string; readonly difference: string }
  | { readonly kind: 'regularizer'; readonly term: string; readonly definition: string; readonly command: string }
  | {
      readonly kind: 'finding';
      readonly term: string;
      readonly definition: string;
      readonly remedy: string;
      readonly refutedBy: string;
      readonly command: string;
    };

/** Everything that has an explanation, by kind. */
export function explanations(): Explanation[] {
  return [
    ...TERMS.map((term) => ({ kind: 'term', ...term }) as const),
    ...NEIGHBOURS.map((neighbour) => ({ kind: 'neighbour', ...neighbour }) as const),
    ...listRegularizers().map(
      ({ type, title, summary }) =>
        ({
          kind: 'regularizer',
          term: type,
          definition: `${title}. ${summary}`,
          command: `ballast regularizers ${type}`,
        }) as const,
    ),
    ...RULES.map(
      ({ id, name, explanation, remedy, refutedBy }) =>
        ({
          kind: 'finding',
          term: id,
          definition: `A finding of the diagnosis: ${name}. ${explanation}.`,
          remedy: `${remedy}.`,
          refutedBy: `${refutedBy}.`,
          command: 'ballast diagnose RUN',
        }) as const,
    ),
  ];
}

/** Whatever goes by a name, exactly or in part; terms of the field first. */
export function explain(name: string): Explanation[] {
  const wanted = plain(name);
  const named = explanations().map((each) => ({
    each,
    names: [each.term, ...(each.kind === 'term' ? (each.also ?? []) : [])].map(plain),
  }));
  const exact = named.filter(({ names }) => names.includes(wanted));
  const found = exact.length > 0 ? exact : named.filter(({ names }) => names.some((each) => each.includes(wanted)));
  return found.map(({ each }) => each);
}

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
