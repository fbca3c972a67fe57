/** Speech (and any text against a reference): word and character error rates. */
import { invalid } from '../invalid.js';
import { ratioOfSums, type UnitMetric } from './unit-metric.js';

export interface SpeechInput {
  /** What was said, [N]. */
  readonly reference: readonly string[];
  /** What was understood, [N]. */
  readonly hypothesis: readonly string[];
}

/** Edits that turn one sequence into another, the fewest there can be. */
export interface Edits {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

interface Utterance {
  readonly words: Edits;
  readonly wordCount: number;
  readonly hypothesisWords: number;
  readonly characters: number;
  readonly characterCount: number;
}

export type SpeechSample = readonly Utterance[];

const total = ({ substitutions, deletions, insertions }: Edits): number => substitutions + deletions + insertions;

/** @throws BallastError EVALUATION_SHAPE, EVALUATION_REFERENCE naming the row where nothing was said */
export function prepareSpeech({ reference, hypothesis }: SpeechInput): SpeechSample {
  if (reference.length !== hypothesis.length) {
    throw invalid(`There are ${reference.length} references but ${hypothesis.length} hypotheses`, 'EVALUATION_SHAPE');
  }
  return reference.map((said, row): Utterance => {
    const [words, understood] = [wordsOf(said), wordsOf(hypothesis[row])];
    if (words.length === 0) {
      throw invalid(
        'A reference has no words',
        'EVALUATION_REFERENCE',
        said,
        `reference, row ${row}`,
        'Leave such rows out.',
      );
    }
    const [characters, read] = [[...words.join(' ')], [...understood.join(' ')]];
    return {
      words: edits(words, understood),
      wordCount: words.length,
      hypothesisWords: understood.length,
      characters: total(edits(characters, read)),
      characterCount: characters.length,
    };
  });
}

const wordsOf = (text: string): string[] =>
  text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');

/** The fewest edits (Levenshtein 1966); among equally few, those with the most substitutions. Memory is one row. */
export function edits(from: readonly string[], to: readonly string[]): Edits {
  // A cell is the cost and the substitutions, deletions and insertions on the way to it.
  let above = Array.from({ length: to.length + 1 }, (_, j) => [j, 0, 0, j]);
  for (let i = 1; i <= from.length; i++) {
    const row = [[i, 0, i, 0]];
    for (let j = 1; j <= to.length; j++) {
      if (from[i - 1] === to[j - 1]) {
        row.push(above[j - 1]);
        continue;
      }
      const [diagonal, up, left] = [above[j - 1], above[j], row[j - 1]];
      const least = Math.min(diagonal[0], up[0], left[0]);
      if (diagonal[0] === least) row.push([least + 1, diagonal[1] + 1, diagonal[2], diagonal[3]]);
      else if (up[0] === least) row.push([least + 1, up[1], up[2] + 1, up[3]]);
      else row.push([least + 1, left[1], left[2], left[3] + 1]);
    }
    above = row;
  }
  const [, substitutions, deletions, insertions] = above[to.length];
  return { substitutions, deletions, insertions };
}

const perWord = (of: (utterance: Utterance) => number) => (sample: SpeechSample) =>
  ratioOfSums(
    Float64Array.from(sample, of),
    Float64Array.from(sample, ({ wordCount }) => wordCount),
    'nothing was said',
  );

const LOWER = { direction: 'lower', range: [0, Number.POSITIVE_INFINITY], standard: [Number.NaN] } as const;

export const SPEECH_METRICS: readonly UnitMetric<SpeechSample>[] = [
  {
    ...LOWER,
    name: 'wer',
    title: 'Word error rate',
    description:
      'Substituted, deleted and inserted words per word said, over all utterances. Words are what white space separates: case and punctuation count.',
    measure: perWord(({ words }) => total(words)),
  },
  {
    ...LOWER,
    name: 'cer',
    title: 'Character error rate',
    description: 'Edits per character said, one blank between words.',
    measure: (sample) =>
      ratioOfSums(
        Float64Array.from(sample, ({ characters }) => characters),
        Float64Array.from(sample, ({ characterCount }) => characterCount),
        'nothing was said',
      ),
  },
  {
    ...LOWER,
    name: 'substitutions',
    title: 'Substituted words',
    description: 'Per word said.',
    measure: perWord(({ words }) => words.substitutions),
  },
  {
    ...LOWER,
    name: 'deletions',
    title: 'Missed words',
    description: 'Per word said.',
    measure: perWord(({ words }) => words.deletions),
  },
  {
    ...LOWER,
    name: 'insertions',
    title: 'Invented words',
    description: 'Per word said.',
    measure: perWord(({ words }) => words.insertions),
  },
  {
    ...LOWER,
    range: [0, 1],
    name: 'sentenceErrorRate',
    title: 'Utterances with an error',
    description: 'Share of utterances in which any word is wrong.',
    measure: (sample) =>
      ratioOfSums(
        Float64Array.from(sample, ({ words }) => (total(words) > 0 ? 1 : 0)),
        new Float64Array(sample.length).fill(1),
        'nothing was said',
      ),
  },
];
