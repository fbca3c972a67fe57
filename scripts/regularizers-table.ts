import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { listRegularizers } from '../src/regularizers/registry.js';
import { HOOK_ORDER, type Hooks, type Regularizer } from '../src/regularizers/regularizer.js';

/**
 * Writes docs/regularizers.md from the regularizers' own metadata: `npx tsx scripts/regularizers-table.ts`. With
 * `--check` it writes nothing and fails where the page is stale.
 */

const page = new URL('../docs/regularizers.md', import.meta.url);

const ACTS: Record<keyof Hooks<unknown>, string> = {
  architecture: 'network',
  examples: 'rows',
  rows: 'values of rows',
  parameters: 'own parameters',
  state: 'own state',
  batch: 'batch',
  weight: 'weights as used',
  layer: 'layers',
  forward: 'forward pass',
  spectrogram: 'spectrogram',
  targets: 'targets',
  losses: 'loss of a row',
  memberLosses: 'losses of several networks',
  rowWeights: 'weight of a row',
  objective: 'objective',
  gradients: 'gradients',
  decay: 'update (decay)',
  proximal: 'update (proximal)',
  rate: 'learning rate',
  afterStep: 'after each step',
  learns: 'strengths of others',
  afterEachEpoch: 'after each epoch',
  afterTask: 'after each task',
  rehearse: 'rows of an epoch',
  evaluated: 'evaluated weights',
  afterEpoch: 'stopping',
  finish: 'after training',
  findings: 'findings',
};

function strengthOf({ strength }: Regularizer): string {
  const { inverse, unit, default: value, range, scale } = strength;
  if (inverse !== undefined) return `\`${inverse.option}\`: ${inverse.toOption(value)} (smaller is stronger)`;
  return `${unit}: ${value}, search ${range[0]} to ${range[1]} (${scale})`;
}

function row(regularizer: Regularizer): string {
  const { type, summary, technique, hooks, cost } = regularizer;
  const acts = HOOK_ORDER.filter((hook) => hooks[hook] !== undefined).map((hook) => ACTS[hook]);
  const card = `../src/regularizers/${type}/card.md`;
  const cells = [`[\`${type}\`](${card})`, summary, technique, acts.join(', '), strengthOf(regularizer), cost.training];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function render(): string {
  const regularizers = [...listRegularizers()].sort((a, b) => (a.type < b.type ? -1 : 1));
  return `<!-- Made by scripts/regularizers-table.ts; do not edit. -->

# Regularizers

Each is a value with one interface (\`src/regularizers/regularizer.ts\`) and a method card: how to use it, its strength,
its cost, when it fails, what it does not go with. \`ballast regularizers NAME\` prints the card. More strength is always
stronger; a strength of 0 compiles to nothing. [Write your own](write-a-regularizer.md).

| Type | What it does | Row | Acts on | Strength: default, range | Cost in training |
| --- | --- | --- | --- | --- | --- |
${regularizers.map(row).join('\n')}
`;
}

const wanted = render();
if (process.argv.includes('--check')) {
  if (!existsSync(page) || readFileSync(page, 'utf8') !== wanted) {
    console.error('docs/regularizers.md is stale: run npx tsx scripts/regularizers-table.ts');
    process.exitCode = 1;
  }
} else {
  writeFileSync(page, wanted);
}
