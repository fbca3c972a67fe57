import { type Child, element, type Markup } from '../../charts/index.js';
import type { ManifestEntry } from '../../regularizers/manifest.js';
import { table } from '../page.js';
import type { ReportRun } from '../train-report-input.js';
import { roleMark } from './figures.js';

/** What regularizes each run: declared entries with every option, and what the architecture and the loop add. */
export function manifestTables(runs: readonly ReportRun[]): Markup[] {
  return runs.map((run) => {
    const { regularizers, architecture, training } = run.manifest;
    const declared = regularizers.map((entry) => [
      element('code', {}, entry.type),
      strength(entry),
      entry.hooks.join(', '),
      options(entry),
    ]);
    const implied: Child[][] = [
      ...(architecture.normalization.length === 0
        ? []
        : [['normalization', '\u2013', 'architecture', architecture.normalization.join(', ')]]),
      ...(training.gradientClip === null
        ? []
        : [['gradient clipping', String(training.gradientClip), 'gradients', 'largest global norm']]),
      ...(training.classWeights === 'none' ? [] : [['class weights', '\u2013', 'loss', training.classWeights]]),
      [
        'training budget',
        '\u2013',
        'loop',
        `${training.optimizer}, at most ${training.epochs} epochs, batches of ${training.batchSize}`,
      ],
    ];
    const rows =
      declared.length === 0
        ? [['none declared', '0', '', 'every strength is zero'], ...implied]
        : [...declared, ...implied];
    const note = run.role === 'baseline' ? ' every strength zero, last epoch kept' : null;
    return element(
      'div',
      { class: 'stack' },
      table(
        `What regularizes the ${run.role}`,
        [{ label: 'Regularizer' }, { label: 'Strength', number: true }, { label: 'Acts on' }, { label: 'Options' }],
        rows,
        [roleMark(run.role), ' ', element('code', {}, run.regularizerId), element('small', {}, note)],
      ),
    );
  });
}

function strength({ strength: value, schedule }: ManifestEntry): Child {
  const text = String(value);
  if (schedule === undefined) return text;
  const { type, from, to, over } = schedule;
  return [text, element('small', {}, `\u00d7 ${from} to ${to}, ${type} over ${over} epochs`)];
}

function options({ options: values }: ManifestEntry): string {
  const parts = Object.entries(values).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '\u2013' : parts.join(', ');
}
