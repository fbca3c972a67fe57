/** Penalties and constraints: what each is for, measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Results } from './page.js';
import { lagsPart } from './penalties/lags.js';
import { purposesPart } from './penalties/purposes.js';
import { supportPart } from './penalties/support.js';

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const parts: string[] = [];
      for (const part of [supportPart, purposesPart, lagsPart]) parts.push(await part(setting, folder, seeds));
      return `# Penalties and constraints

Means over ${seeds} seeds **on the holdout** with 95 % intervals (Student's t); gains are paired by seed, above 0 is better. Strengths are chosen on
validation rows, under two seeds that are not reported.

${parts.join('\n')}`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
