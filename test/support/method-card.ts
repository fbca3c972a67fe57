import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Regularizer } from '../../src/regularizers/regularizer.js';

const ROOT = join(import.meta.dirname, '../..');

/** The same sections in every card, and the figures of the metadata in them. */
const CARD_SECTIONS = [
  'What it does',
  'How to use',
  'Strength',
  'Cost',
  'When it fails',
  'Does not go with',
  'Effect against data size',
  'References',
  'How it is tested',
];

/** A method card has the suite's sections, in order, and tells what the metadata tells. */
export function expectCard(card: string, { type, title, strength, references, technique }: Regularizer): void {
  expect(card.split('\n')[0]).toBe(`# ${title}`);
  expect(Array.from(card.matchAll(/^## (.+)$/gm), ([, section]) => section)).toEqual(CARD_SECTIONS);
  expect(card).toContain(`\`${type}\``);
  expect(card).toContain(technique);
  const section = (name: string): string => card.split(`## ${name}\n`)[1].split('\n## ')[0];
  expect(section('How to use')).toContain(`type: ${type}`);
  const scale = section('Strength');
  expect(scale).toContain(strength.unit);
  expect(scale).toContain(
    strength.inverse === undefined
      ? `default ${strength.default}, search ${strength.range[0]} to ${strength.range[1]} (${strength.scale})`
      : `default ${strength.inverse.option} ${strength.inverse.toOption(strength.default)}`,
  );
  for (const reference of references) expect(section('References')).toContain(reference);
  // What a card says was measured has a page that says how.
  for (const [page] of card.matchAll(/docs\/results\/[\w-]+\.md/g))
    expect(existsSync(join(ROOT, page)), page).toBe(true);
}
