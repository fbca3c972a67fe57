/** Shifted targets, wrong reasons, other speakers, transfer to a small set. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adaptationPart } from './domains/adaptation.js';
import { coloursPart } from './domains/colours.js';
import { covariatesPart } from './domains/covariates.js';
import { speakersPart } from './domains/speakers.js';
import { transferPart } from './domains/transfer.js';
import type { Results } from './page.js';

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const parts: string[] = [];
      for (const part of [adaptationPart, speakersPart, covariatesPart, coloursPart, transferPart]) {
        parts.push(await part(setting, folder, seeds));
      }
      return `# Domains and transfer

Means over ${seeds} seeds with 95 % intervals (Student's t); gains are paired by seed, above 0 is better. Without labels of the target nothing
tells which strength serves it: every strength here is the best of a grid on a few labelled rows of the target, which are neither trained on nor
reported, under two seeds that are not reported.

${parts.join('\n')}`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
