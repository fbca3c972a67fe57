import type { Conflict, Setting } from '../regularizer.js';

/** Synthetic rows are made of numbers and categories: a network that reads anything else besides cannot be fed by them. */
export function onlyTabular(type: string, { inputs }: Setting): Conflict[] {
  const other = inputs.find(({ content }) => content !== 'tabular');
  if (other === undefined) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_NEEDS_TABULAR_INPUTS`,
      severity: 'error',
      message: `${type} makes rows of tabular features, and the input ${other.name} is ${other.content}`,
      remedy: `Remove ${type}, or that input; image-augmentation and mixup make rows of other kinds`,
    },
  ];
}
