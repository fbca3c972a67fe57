import type { Runbook } from './runbook.js';

export const ROLLOUT: Runbook = {
  name: 'rollout',
  alertname: 'BallastRollout',
  title: 'A rollout went back, waits, or cannot decide',
  meaning:
    'The controller of a rollout decided something that someone has to know of: it took all traffic back (page), paused since the budget of errors ' +
    'burns (page), or came to the end of a step without enough evidence either way (ticket). Traffic is where the status says; nothing moves ' +
    'until somebody acts, except after a roll-back, where nothing has to.',
  check: [
    { text: 'What was decided, on which evidence, and where is the traffic?', command: 'ballast rollout status MODEL' },
    { text: 'Paused by the budget: what burns it? It need not be the candidate.', command: 'ballast slo status MODEL' },
    { text: 'What was changed in the candidate?', command: 'ballast models lineage MODEL/VERSION' },
    { text: 'Is it worse on the same requests, too?', command: 'ballast rollout replay MODEL --candidate VERSION' },
  ],
  act: [
    {
      text: 'Rolled back: leave it there. Mend the candidate and start anew with the next version.',
      command: 'ballast runbook adjust-regularization --model MODEL',
    },
    {
      text: 'Paused, and the reason is gone: go on.',
      command: 'ballast rollout resume MODEL --reason "the feed is repaired"',
    },
    {
      text: 'Inconclusive: too few requests. Give the step more time or more weight, or end it.',
      command: 'ballast rollout abort MODEL --reason "too few requests to judge"',
    },
    {
      text: 'It happens often (X20): more shadow traffic, longer steps, and replay before the start.',
      command: 'ballast rollout status',
    },
  ],
  escalate:
    'The owner of the candidate, the same day; the escalation of the model where traffic is not where the status says.',
};
