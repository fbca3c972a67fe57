import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';

describe('explain', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-explain-'));
    writeCustomers(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['terms', 'neighbours', 'questions', 'overfitting', 'F1', 'dropout'])('%s', async (term) => {
    const { code, stdout } = await ballast(folder, 'explain', term);
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(40);
    expect((await ballast(folder, 'explain', term, '--json')).json<unknown[]>().length).toBeGreaterThan(0);
  });

  test('a finding: what it means, what to do, what would refute it', async () => {
    const { stdout } = await ballast(folder, 'explain', 'F1');
    for (const text of ['over-regularization', 'To do:', 'Refuted by:']) expect(stdout).toContain(text);
  });

  test('a term that there is none of is an error', async () => {
    const { code, json } = await ballast(folder, 'explain', 'quantum', '--json');
    expect(code).toBe(2);
    expect(json<{ error: { code: string } }>().error.code).toBe('EXPLAIN_UNKNOWN');
  });

  test('the plan ticks what was done', async () => {
    const done = async () =>
      (await ballast(folder, 'explain', 'plan', '--json'))
        .json<{ day: number; done?: boolean }[]>()
        .flatMap(({ day, done }) => (done === true ? [day] : []));
    expect(await done()).toEqual([]);
    // Asking makes no store.
    expect(existsSync(join(folder, '.ballast'))).toBe(false);
    expect((await ballast(folder, 'train', 'spec.yaml', '--ablate', '--json')).code).toBe(0);
    expect(await done()).toEqual([2, 4]);
  });
});
