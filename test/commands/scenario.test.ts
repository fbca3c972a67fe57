import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { S1Report } from '../../src/cli/scenarios/s1.js';

const BALLAST = join(import.meta.dirname, '../../bin/ballast');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballast-scenario-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('s1 promotes the new dropout and rolls the planted regression back, at nobody’s cost', async () => {
  const words = ['scenario', 's1', '--quick', '--factor', '20000', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [BALLAST, ...words], { cwd: folder });
  const { passed, candidate, regressed, requests } = JSON.parse(stdout) as S1Report;
  expect(passed).toBe(true);
  expect(candidate.decisions.map(({ kind }) => kind)).toEqual(['start', 'promote', 'promote', 'complete']);
  // How many of the few answers of a first step are wrong is chance: what is not refuted there is refuted in the next.
  expect(regressed.decisions.at(-1)?.kind).toBe('roll-back');
  expect(regressed.replay.verdict).toBe('roll-back');
  expect(requests.failed).toBe(0);
  expect(regressed.answered).toBeLessThan(requests.answered / 2);
});
