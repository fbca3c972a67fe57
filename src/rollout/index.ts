/** Rollouts: a candidate comes into traffic step by step, judged by tests that stay valid however often they are looked at. */
export { type AskedRollout, beginRollout } from './begin.js';
export { advanceRollout, asRollout, commandRollout, type Rollout, startRollout } from './controller.js';
export { type RolloutDocument, rolloutDocument, rolloutSuccess } from './document.js';
export { begin, type Command, command, isOver, look, type Transition } from './look.js';
export { resolveRollout } from './resolve.js';
export { alphaSpent, statusesOf, type Weights, weightsOf } from './steps.js';
export type {
  Decision,
  LookInputs,
  RolloutConfig,
  RolloutPhase,
  RolloutState,
  Signals,
  SliStatus,
  Verdict,
} from './types.js';
