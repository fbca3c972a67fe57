import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { derive } from '../../numeric/random.js';
import {
  type Batch,
  defineRegularizer,
  type OwnContext,
  type PreparationContext,
  type StepContext,
} from '../regularizer.js';
import { divergence } from '../threat.js';
import {
  answersAsLogits,
  asLogits,
  featureCountOf,
  orderOfClasses,
  outputOf,
  runTeacher,
  seesBatches,
  TEACHER,
  teacherOf,
} from './teacher.js';

const SELF = 'self';

const options = z.strictObject({
  teacher: z
    .string()
    .min(1)
    .default(SELF)
    .describe('A model file (.onnx), of Ballast or not, or self: the moving average of the weights in training'),
  output: z.string().optional().describe('Output of the teacher; logits, or the first of float32, unless given'),
  temperature: z.number().positive().max(100).default(4).describe('Softens both sides: logits are divided by it'),
  classWeighted: z
    .boolean()
    .default(false)
    .describe('Weigh the teacher by 1 / frequency of the label, so that rare classes are not lost (mean 1)'),
  features: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight of the distance between the features of both last layers, through a learned linear map'),
  decay: z.number().min(0).lt(1).default(0.99).describe('teacher self: decay of the average of the weights a step'),
});

type Options = z.infer<typeof options>;

/** T^2 KL(softmax(teacher / T) || softmax(student / T)) of each row, [batch]; T^2 keeps its gradient's size (Hinton et al.). */
export function softLoss(b: GraphBuilder, student: Value, teacher: Value, temperature: number): Value {
  const soft = divergence(b, b.div(teacher, temperature), b.div(student, temperature));
  return b.mul(soft, temperature ** 2);
}

/** (1 - alpha) hard + alpha soft. */
export function blend(b: GraphBuilder, hard: Value, soft: Value, alpha: Operand): Value {
  const share = typeof alpha === 'number' ? b.scalar(alpha, hard.type) : alpha;
  return b.add(b.mul(hard, b.sub(1, share)), b.mul(soft, share));
}

/** 1 / frequency of each class, 0 for those that are absent, scaled so that its mean over the rows is 1. */
export function rareClassWeights(labels: ArrayLike<number>, classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const present = counts.filter((count) => count > 0).length;
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : labels.length / (present * count)));
}

interface Known {
  readonly inBatch: boolean;
  readonly features: number | undefined;
}

/** How the teacher is used, which follows from what is known before the first step. */
function known(context: Pick<OwnContext, 'active' | 'inputs'>, given: Options): Known {
  if (given.teacher === SELF) return { inBatch: true, features: undefined };
  const asset = teacherOf(context.active, given);
  const { name } = outputOf(asset, given.output);
  const inBatch = seesBatches(asset, context.inputs, name);
  return { inBatch, features: inBatch && given.features > 0 ? featureCountOf(asset.graph, name) : undefined };
}

async function teacherRows(context: PreparationContext, given: Options): Promise<Float32Array> {
  const asset = teacherOf(context.active, given);
  const { name, kind } = outputOf(asset, given.output);
  const order = orderOfClasses(asset, context.classes);
  return answersAsLogits(await context.answers(TEACHER, name), { kind, order, classes: context.outputs });
}

/** Logits of the teacher for a batch, and its features. */
function taught(
  context: StepContext,
  given: Options,
  { inputs }: Batch,
): { logits: Value; features?: Value | undefined } {
  const { b, network, own, setting } = context;
  if (given.teacher === SELF) {
    const averages = setting.parameters.map(({ name }): [string, Value] => [name, own(`average.${name}`)]);
    const { logits } = network(inputs, { parameters: new Map(averages) });
    return { logits: b.detached(() => b.op('Identity', [logits])) };
  }
  if (!known(setting, given).inBatch) return { logits: context.row('logits') };
  const asset = teacherOf(setting.active, given);
  const { name, kind } = outputOf(asset, given.output);
  const { scores, features } = runTeacher(b, asset, inputs, name);
  const order = orderOfClasses(asset, setting.classes);
  return { logits: asLogits(b, scores, { kind, order, classes: context.outputs }), features };
}

export const distillation = defineRegularizer({
  type: 'distillation',
  title: 'Distillation',
  technique: 'T16',
  summary: "Learns from a teacher's answers beside the labels: of another model, or of the average of its own weights.",
  strength: { unit: 'share alpha of the loss', default: 0.5, range: [0.1, 0.95], scale: 'linear', limits: [0, 1] },
  options,
  files: ({ teacher }): Record<string, string> => (teacher === SELF ? {} : { [TEACHER]: teacher }),
  hooks: {
    rows: (context, given) => [
      ...(known(context, given).inBatch
        ? []
        : [{ name: 'logits', shape: [context.outputs], compute: (at: PreparationContext) => teacherRows(at, given) }]),
      ...(given.classWeighted
        ? [
            {
              name: 'importance',
              shape: [],
              compute: ({ target, train, outputs }: PreparationContext) => {
                const labels = Array.from(target.data, Number);
                const weights = rareClassWeights(
                  Array.from(train, (row) => labels[row]),
                  outputs,
                );
                return Promise.resolve(Float32Array.from(labels, (label) => weights[label]));
              },
            },
          ]
        : []),
    ],
    parameters: (context, given) => {
      const wide = known(context, given).features;
      const { featureCount, seed } = context;
      if (wide === undefined || featureCount === undefined) return [];
      const stream = derive(seed, 'distillation', 'adapter');
      const initial = Float32Array.from({ length: featureCount * wide }, () => stream.normal(0, featureCount ** -0.5));
      return [{ name: 'adapter', shape: [featureCount, wide], initial }];
    },
    state: ({ initial }, { teacher }) =>
      teacher === SELF
        ? [
            ...[...initial].map(([name, { shape, data }]) => ({
              name: `average.${name}`,
              shape,
              initial: data,
              writer: 'graph' as const,
            })),
            { name: 'steps', shape: [], initial: new Float32Array(1), writer: 'graph' as const },
          ]
        : [],
    losses: (context, given, losses, pass) => {
      const { b, strength } = context;
      const teacher = taught(context, given, pass.batch);
      let soft = softLoss(b, pass.logits, teacher.logits, given.temperature);
      if (given.features > 0 && teacher.features !== undefined && pass.features !== undefined) {
        const distance = b.sub(b.matMul(pass.features, context.own('adapter')), teacher.features);
        soft = b.add(soft, b.mul(b.reduceMean(b.mul(distance, distance), [1]), given.features));
      }
      if (given.classWeighted) soft = b.mul(soft, context.row('importance'));
      return blend(b, losses, soft, strength);
    },
    objective: ({ b, own, next }, { teacher, decay }, weights) => {
      if (teacher !== SELF) return undefined;
      b.detached(() => {
        const steps = own('steps');
        // The average of what has been so far, until there are enough of them (Tarvainen and Valpola, 2017).
        const kept = b.minimum(b.sub(1, b.reciprocal(b.add(steps, 1))), decay);
        for (const { parameter, value } of weights) {
          const before = own(`average.${parameter.name}`);
          next(`average.${parameter.name}`, b.add(value, b.mul(b.sub(before, value), kept)));
        }
        next('steps', b.add(steps, 1));
      });
      return undefined;
    },
  },
  needs: { classes: true },
  conflicts: ({ options: given }, setting) =>
    given.features > 0 && known(setting, given).features === undefined
      ? [
          {
            code: 'DISTILLATION_WITHOUT_FEATURES',
            severity: 'error',
            message:
              'features of this teacher cannot be had: it is the network itself, is not part of the step, or has no last layer',
            remedy: 'Set features to 0, or choose a network that takes the encoded inputs',
          },
        ]
      : [],
  cost: {
    training:
      'a forward pass of the teacher a step (none where its answers are known by row); self: two passes over the weights more',
    inference: 'none',
  },
  fails: [
    'A teacher that is no better than the student adds nothing but smoothing.',
    'A teacher trained with label smoothing has forgotten which classes are alike.',
    'Answers known by row do not follow augmentation: the teacher then speaks of another picture.',
    'Rare classes: the teacher is weakest where the student has least to go by; classWeighted, and look by class (X13).',
  ],
  dataSize: 'Helps most with few rows for the capacity, since every answer says something of all classes.',
  references: [
    'Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015',
    'Romero et al., FitNets, ICLR 2015 (features through a learned map)',
    'Tarvainen and Valpola, Mean Teachers, NIPS 2017, and Furlanello et al., Born-Again Neural Networks, ICML 2018 (self)',
    'Müller, Kornblith and Hinton, When Does Label Smoothing Help?, NeurIPS 2019',
  ],
});
