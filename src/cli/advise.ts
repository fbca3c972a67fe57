import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { fitPreprocessor } from '../data/preprocess/fit.js';
import { readTable } from '../data/read/read.js';
import { resolveRoles } from '../data/roles.js';
import type { Column } from '../data/table.js';
import { rowHashes } from '../data/version.js';
import { type AdviceInput, advise, type SeenRun } from '../diagnosis/advice.js';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { gapOf } from '../evaluation/ledger.js';
import { sizeOf } from '../graph/tensor.js';
import type { Manifest } from '../regularizers/manifest.js';
import { networkOf } from '../spec/network.js';
import { resolveSpec } from '../spec/read.js';
import { readArchitecture } from '../training/architecture.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

const CHOICES = {
  task: ['classification', 'regression'],
  model: ['linear', 'mlp', 'cnn', 'transformer'],
  hardware: ['server', 'edge', 'serverless'],
  threat: ['none', 'adversarial'],
  errors: ['ordinary', 'costly'],
  purpose: ['production', 'prototype'],
} as const;

type Choice<Name extends keyof typeof CHOICES> = (typeof CHOICES)[Name][number];

/** A whole-number target of more values than this is a quantity rather than a class. */
const MOST_INTEGER_CLASSES = 20;

interface AdviseOptions extends CommonOptions {
  target: string;
  task?: Choice<'task'>;
  model?: Choice<'model'>;
  hardware: Choice<'hardware'>;
  threat: Choice<'threat'>;
  errors: Choice<'errors'>;
  purpose: Choice<'purpose'>;
  run?: string;
}

export function adviseCommand(): Command {
  const choice = (name: keyof typeof CHOICES, description: string): Option =>
    new Option(`--${name} <${name}>`, description).choices(CHOICES[name]);
  return withCommonOptions(new Command('advise'))
    .argument('<data>', 'data source, as in a spec')
    .requiredOption('--target <column>', 'column to predict')
    .addOption(choice('task', 'what to predict; by the target unless given'))
    .addOption(choice('model', 'architecture in mind; by the data unless given'))
    .addOption(choice('hardware', 'where it will run').default('server'))
    .addOption(choice('threat', 'who might attack it').default('none'))
    .addOption(choice('errors', 'what a wrong answer costs').default('ordinary'))
    .addOption(choice('purpose', 'what it is for').default('production'))
    .option('--run <run>', 'an earlier run to learn from')
    .addHelpText('after', '\nExample:\n  ballast advise customers.csv --target churned --errors costly\n')
    .action(async (source: string, options: AdviseOptions) => {
      const table = await readTable(source, { target: options.target, baseDirectory: process.cwd() });
      const target = table.columns.find(({ name }) => name === options.target);
      const task = options.task ?? (isQuantity(target) ? 'regression' : 'classification');
      const data = { source, target: options.target };
      const content = table.columns.find((column) => column.kind === 'array')?.content;
      const type =
        options.model ??
        (content === 'image' ? 'cnn' : content === 'tokens' || content === 'series' ? 'transformer' : 'mlp');
      const spec = { name: 'advice', data, task, model: { type } };
      const resolved = resolveSpec(spec);
      const roles = resolveRoles(table, resolved.spec.data);
      const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
      const preprocessor = fitPreprocessor(table, roles, rows, { task });
      const architecture = readArchitecture(await networkOf(resolved, preprocessor, [], 1));
      const targets = preprocessor.transform(table, rows).target?.data ?? [];
      const classRows = (preprocessor.classes ?? []).map((_, code) => {
        let count = 0;
        for (const value of targets) if (Number(value) === code) count++;
        return count;
      });
      const hashes = rowHashes(table, roles.features);
      const share = 0.6;
      const input: AdviceInput = {
        task,
        rows: Math.round(share * table.rows),
        features: preprocessor.outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        parameters: architecture.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        classRows: classRows.map((count) => Math.round(share * count)),
        content: preprocessor.outputs[0].content,
        duplicateShare: 1 - new Set(hashes).size / hashes.length,
        hardware: options.hardware,
        threat: options.threat,
        errors: options.errors,
        purpose: options.purpose,
        ...(options.run === undefined ? {} : { seen: await seenRun(options.store, options.run) }),
      };
      const advice = advise(input);
      const start = { ...spec, name: 'start', regularizers: advice.regularizers };
      const text = [
        `Regularization here: ${advice.answer}`,
        ...advice.reasons.map((reason) => `  because ${reason}`),
        ...advice.cautions.map((caution) => `  note: ${caution}`),
        '',
        '# A spec to start with',
        stringify(start).trimEnd(),
      ].join('\n');
      answer(options, { ...advice, input, spec: start }, text);
    });
}

function isQuantity(target: Column | undefined): boolean {
  if (target?.kind !== 'number' || target.type === 'boolean') return false;
  return target.type === 'float' || new Set(target.values).size > MOST_INTEGER_CLASSES;
}

async function seenRun(url: string, reference: string): Promise<SeenRun> {
  return withStore(url, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const evaluations = await store.getEvaluations(run.id);
    const stage = (name: string): Evaluation | undefined =>
      evaluations.find((candidate) => candidate.stage === name)?.record as Evaluation | undefined;
    const [train, validation] = [stage('train'), stage('validation')];
    const gap = train && validation && gapOf(train, validation, train.primary);
    if (train === undefined || gap === undefined) {
      throw new BallastError('this run was not evaluated on train and validation', {
        code: 'RUN_WITHOUT_RESULT',
        place: `runs:/${run.id}`,
        remedy: 'Name a run that ballast train finished',
      });
    }
    return {
      metric: train.primary,
      gap: gap.value,
      gapIsClear: gap.interval[0] > 0,
      skill: train.task === 'regression' ? (train.metrics.r2?.value ?? 0) : (train.metrics.mcc?.value ?? 0),
      regularized: (run.manifest as Manifest).regularizers.length > 0,
    };
  });
}
