import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dataOptionsSchema } from './options.js';
import type { ReadOptions } from './read/options.js';

describe('dataOptionsSchema', () => {
  it('fills in the defaults that act', () => {
    expect(dataOptionsSchema.parse({ source: 'a.csv', target: 'y' })).toEqual({
      source: 'a.csv',
      target: 'y',
      unlabelled: 'refuse',
      columns: {},
      features: {
        exclude: [],
        include: [],
        types: {},
        scaling: 'standard',
        categories: { limit: 64, minimumRows: 2 },
        text: { vocabulary: 2000, ngrams: 1, minimumRows: 2, weighting: 'tfidf' },
        tokens: {},
        series: {},
      },
      split: { validation: 0.2, holdout: 0.2, seed: 1, bins: 10 },
    });
  });

  it.each([
    [{ source: 'a.csv', sorce: 1 }, 'Unrecognized key: "sorce"'],
    [{ source: 'a.csv', split: { valdation: 0.1 } }, 'Unrecognized key: "valdation"'],
    [{ source: 'a.csv', columns: { ids: 'a' } }, 'Unrecognized key: "ids"'],
    [{ source: 'a.csv', features: { text: { size: 3 } } }, 'Unrecognized key: "size"'],
    [{ source: 'a.csv', split: { holdout: -0.1 } }, 'expected number to be >=0'],
    [{ source: 'a.csv', split: { holdout: 1.5 } }, 'a share below 1, or a whole number of rows'],
    [{ target: 'y' }, 'Invalid input'],
  ])('refuses %j', (value, message) => {
    const result = dataOptionsSchema.safeParse(value);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(message.replaceAll('"', '\\"'));
  });

  it('reads parts as shares, counts or none', () => {
    for (const holdout of [0, 0.25, 1, 500]) {
      expect(dataOptionsSchema.parse({ source: 'a', split: { holdout } }).split.holdout).toBe(holdout);
    }
  });

  it('describes every key in its JSON Schema', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as { properties?: Record<string, { description?: string }> };
      for (const [key, child] of Object.entries(properties ?? {})) {
        if (child.description === undefined) undescribed.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
    };
    visit(z.toJSONSchema(dataOptionsSchema, { io: 'input' }), 'data');
    expect(undescribed).toEqual([]);
  });

  it('has the keys of the reader', () => {
    const options = dataOptionsSchema.parse({ source: 'a.csv', header: ['a', 'b'], image: { size: [8, 8] } });
    const { format, header, missing, precision, delimited, image, audio, text, files } = options;
    const read: ReadOptions = {
      columns: options.features.types,
      format,
      header,
      missing,
      precision,
      delimited,
      image,
      audio,
      text,
      files,
    };
    expect(read).toMatchObject({ header: ['a', 'b'], image: { size: [8, 8] } });
  });
});
