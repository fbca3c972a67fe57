/** Wrong labels, the worst group, suspect labels. */
import { groupsPart } from './labels/groups.js';
import { noisePart } from './labels/noise.js';
import { suspectsPart } from './labels/suspects.js';
import type { Results } from './page.js';

const SEEDS = 5;

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : SEEDS;
    const parts = [await suspectsPart(setting), await noisePart(setting, seeds), await groupsPart(setting, seeds)];
    return `# Labels and groups

Means over ${seeds} seeds with 95 % intervals (Student's t); gains are paired by seed, above 0 is better.

${parts.join('\n')}`;
  },
};
