import { z } from 'zod';
import { BallastError } from '../../errors.js';

const number = z.coerce.number();

/**
 * An attack on a trained model. Epsilon, step size and range are in the unit of what the network itself takes: for a model
 * that Ballast exported, columns after its preprocessing (standardised, unless `data.scaling` is none); for another, its
 * inputs as they are.
 */
export const attackOptions = z.strictObject({
  method: z.enum(['fgsm', 'pgd']).default('pgd').describe('fgsm: one step of size epsilon; pgd: several, projected'),
  norm: z.enum(['linf', 'l2']).default('linf').describe('linf: largest change of an element; l2: length of the change'),
  epsilon: number.positive().describe('Radius of the ball around each row'),
  steps: number.int().min(1).max(10_000).default(20),
  stepSize: number.positive().optional().describe('Length of a step; 2.5 epsilon / steps unless given (Madry et al.)'),
  restarts: number.int().min(1).max(1000).default(1).describe('Runs of pgd from random points; the worst counts'),
  loss: z
    .enum(['cross-entropy', 'margin'])
    .default('cross-entropy')
    .describe('margin: the best wrong logit minus the right one, which does not saturate (Carlini and Wagner)'),
  low: number.optional().describe('Least valid value'),
  high: number.optional().describe('Largest valid value'),
  rows: number.int().min(1).default(1000).describe('At most so many rows are attacked, evenly spaced'),
  seed: number.int().default(0),
});

export type AttackOptions = z.infer<typeof attackOptions>;

/**
 * Reads `pgd,epsilon=0.03,steps=10,restarts=2`.
 *
 * @throws BallastError ATTACK_OPTION naming the key
 */
export function parseAttack(text: string): AttackOptions {
  const given: Record<string, string> = {};
  const [method, ...rest] = text.split(',').map((part) => part.trim());
  if (!method.includes('=')) given.method = method;
  else rest.unshift(method);
  for (const part of rest) {
    const at = part.indexOf('=');
    if (at <= 0) throw wrong(text, `"${part}" is not KEY=VALUE`);
    given[part.slice(0, at)] = part.slice(at + 1);
  }
  const parsed = attackOptions.safeParse(given);
  if (!parsed.success) throw wrong(text, sentenceOf(parsed.error.issues[0], given));
  const { low, high } = parsed.data;
  if (low !== undefined && high !== undefined && low >= high) throw wrong(text, 'low must be below high');
  return parsed.data;
}

/** What is wrong with one of the values, in words: they all come as text. */
function sentenceOf(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  if (issue.code === 'unrecognized_keys') return `there is no "${issue.keys[0]}"`;
  const key = String(issue.path[0]);
  const value = given[key];
  if (value === undefined) return `${key} is not given`;
  switch (issue.code) {
    case 'invalid_type':
      return `${key} is "${value}", and a ${issue.expected === 'int' ? 'whole ' : ''}number is needed`;
    case 'too_small':
      return `${key} is ${value}, and must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${key} is ${value}, and must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}`;
    case 'invalid_value':
      return `${key} is "${value}", and must be ${issue.values.join(' or ')}`;
    default:
      return `${key} is "${value}", which does not fit`;
  }
}

function wrong(value: string, message: string): BallastError {
  return new BallastError(message, {
    code: 'ATTACK_OPTION',
    place: '--adversarial',
    value,
    remedy: `Write METHOD,KEY=VALUE,... with METHOD fgsm or pgd and keys ${Object.keys(attackOptions.shape).join(', ')}`,
  });
}
