import { Command } from 'commander';
import { stringify } from 'yaml';
import { fitPreprocessor } from '../data/preprocess/fit.js';
import { readTable } from '../data/read/read.js';
import { resolveRoles } from '../data/roles.js';
import { rowHashes } from '../data/version.js';
import { type AdviceInput, advise, type SeenRun } from '../diagnosis/advice.js';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { gapOf } from '../evaluation/ledger.js';
import { sizeOf } from '../graph/tensor.js';
import { modelOptions } from '../models/options.js';
import type { Manifest } from '../regularizers/manifest.js';
import { networkOf } from '../spec/network.js';
import { resolveSpec } from '../spec/read.js';
import { openStore } from '../store/index.js';
import { readArchitecture } from '../training/architecture.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';

interface AdviseOptions extends CommonOptions {
  target: string;
  task?: string;
  model?: string;
  hardware: string;
  threat: string;
  errors: string;
  purpose: string;
  run?: string;
}

export function adviseCommand(): Command {
  return withCommonOptions(new Command('advise'))
    .argument('<data>', 'data source, as in a spec')
    .requiredOption('--target <column>', 'column to predict')
    .option('--task <task>', 'classification or regression; by the target unless given')
    .option('--model <type>', 'architecture in mind: linear, mlp, cnn or transformer')
    .option('--hardware <kind>', 'where it will run: server, edge or serverless', 'server')
    .option('--threat <model>', 'none or adversarial', 'none')
    .option('--errors <cost>', 'ordinary or costly', 'ordinary')
    .option('--purpose <purpose>', 'production or prototype', 'production')
    .option('--run <run>', 'an earlier run to learn from')
    .addHelpText('after', '\nExample:\n  ballast advise customers.csv --target churned --errors costly\n')
    .action(async (source: string, options: AdviseOptions) => {
      const oneOf = <T extends string>(name: string, value: string, allowed: readonly T[]): T => {
        const found = allowed.find((candidate) => candidate === value);
        if (found === undefined)
          throw new BallastError(`--${name} is one of ${allowed.join(', ')}`, {
            code: 'USAGE',
            place: `--${name}`,
            value,
          });
        return found;
      };
      const table = await readTable(source, { target: options.target, baseDirectory: process.cwd() });
      const target = table.columns.find(({ name }) => name === options.target);
      const task = oneOf(
        'task',
        options.task ?? (target?.kind === 'number' && target.type === 'float' ? 'regression' : 'classification'),
        ['classification', 'regression'] as const,
      );
      const data = { source, target: options.target };
      const content = table.columns.find((column) => column.kind === 'array')?.content;
      const type =
        options.model ??
        (content === 'image' ? 'cnn' : content === 'tokens' || content === 'series' ? 'transformer' : 'mlp');
      const model = modelOptions.safeParse({ type });
      if (!model.success || type === 'onnx') {
        throw new BallastError('there is no such architecture to advise on', {
          code: 'USAGE',
          place: '--model',
          value: type,
        });
      }
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
        hardware: oneOf('hardware', options.hardware, ['server', 'edge', 'serverless'] as const),
        threat: oneOf('threat', options.threat, ['none', 'adversarial'] as const),
        errors: oneOf('errors', options.errors, ['ordinary', 'costly'] as const),
        purpose: oneOf('purpose', options.purpose, ['production', 'prototype'] as const),
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

async function seenRun(url: string, reference: string): Promise<SeenRun> {
  const store = await openStore(url);
  try {
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
      });
    }
    return {
      metric: train.primary,
      gap: gap.value,
      gapIsClear: gap.interval[0] > 0,
      skill: train.task === 'regression' ? (train.metrics.r2?.value ?? 0) : (train.metrics.mcc?.value ?? 0),
      regularized: (run.manifest as Manifest).regularizers.length > 0,
    };
  } finally {
    await store.close();
  }
}
