import type { Runbook } from './runbook.js';

export const BUDGET_BURN: Runbook = {
  name: 'slo-burn',
  alertname: 'BallastErrorBudgetBurn',
  title: 'An error budget burns too fast',
  meaning:
    'More answers are bad (failed, late, wrong: the objective says which) than the promise allows, over a long and a short window ' +
    'at once, so it is going on now. At this rate the budget is gone before its period is over. Mostly a new version, a source of data that changed, ' +
    'or a machine that is short of something.',
  check: [
    {
      text: 'Which objective, how much budget is left, and which version burns it?',
      command: 'ballast slo status MODEL',
    },
    { text: 'Did a version change shortly before?', command: 'ballast rollout status MODEL' },
    { text: 'What else fires for the model?', command: 'ballast alerts list --model MODEL' },
    { text: 'Do its inputs look as they did in training?', command: 'ballast drift MODEL' },
    { text: 'Where does the version come from: data, run, commit?', command: 'ballast models lineage MODEL/VERSION' },
  ],
  act: [
    {
      text: 'One version burns it, and the one before did not: go back first, look for the reason after.',
      command: 'ballast runbook roll-back --model MODEL',
    },
    {
      text: 'All versions burn it: it is the inputs, the source of labels, or the machine. Mend that; a roll-back changes nothing.',
    },
    {
      text: 'It was answered too slowly: see whether the model became slower.',
      command: 'ballast runbook slow --model MODEL',
    },
    {
      text: 'Wrong answers with inputs that moved: train again on recent rows.',
      command: 'ballast runbook quick-retrain --model MODEL',
    },
    {
      text: 'It is known and being mended: keep it quiet for that time, with the reason.',
      command: 'ballast alerts silence model=MODEL --for 1h --reason "what is being done"',
    },
  ],
  escalate:
    'After half an hour without a cause, or at once where less than a tenth of the budget is left: whoever the alert names as escalation.',
};

export const BROKEN: Runbook = {
  name: 'slo-breach',
  alertname: 'BallastObjectiveBroken',
  title: 'A promise is broken',
  meaning:
    'The error budget of the period is spent: users got more bad answers than was promised. It may be over by now (a burn that fires beside ' +
    'it says that it is not), but until the budget is there again no risk is taken with this model.',
  check: [
    { text: 'By how much, and through which version or slice?', command: 'ballast slo status MODEL' },
    { text: 'Is quality lost in production, or already before it?', command: 'ballast ledger models:/MODEL/VERSION' },
    { text: 'When did it begin, and who was told?', command: 'ballast alerts list --model MODEL --all' },
  ],
  act: [
    { text: 'Still burning: go back to the version before.', command: 'ballast runbook roll-back --model MODEL' },
    { text: 'Start no rollout; one that is under way waits.', command: 'ballast rollout pause MODEL' },
    {
      text: 'Ask what is behind it: strengths, inputs, calibration, compression.',
      command: 'ballast diagnose models:/MODEL/VERSION',
    },
    {
      text: 'The promise was never kept by any version: it is the wrong promise. Change it where it is written, with those it was given to.',
      command: 'ballast slo list MODEL',
    },
  ],
  escalate: 'The owner, the same day: a broken promise is theirs to explain to those it was given to.',
};

export const CANARY: Runbook = {
  name: 'canary-regression',
  alertname: 'BallastCanaryRegression',
  title: 'A candidate is worse than the live version',
  meaning:
    'The version that gets a part of the traffic fails, or errs, more often than the live one, by a bound that holds however often one looks: ' +
    'this is not noise. A page is beyond what is allowed for a model this critical; a ticket is slight but certain.',
  check: [
    { text: 'In which step is the rollout, and which SLI is worse?', command: 'ballast rollout status MODEL' },
    { text: 'What was changed: regularizers, data, commit?', command: 'ballast models lineage MODEL/VERSION' },
    {
      text: 'Is it worse on the same requests too, so that different traffic is not the reason (X4)?',
      command: 'ballast rollout replay MODEL --candidate VERSION',
    },
    {
      text: 'Where was quality lost: on the holdout already, by compression, or only here?',
      command: 'ballast ledger models:/MODEL/VERSION',
    },
  ],
  act: [
    {
      text: 'A page: all traffic back to the live version. Where the rollout did so by itself, nothing is left to do.',
      command: 'ballast rollout roll-back MODEL --reason "worse than live"',
    },
    {
      text: 'A ticket: hold the weights until the reason is known.',
      command: 'ballast rollout pause MODEL --reason "slightly worse"',
    },
    {
      text: 'A regularizer helped on validation and hurts here (F8): adjust it.',
      command: 'ballast runbook adjust-regularization --model MODEL',
    },
    { text: 'It fails or is late rather than wrong.', command: 'ballast runbook slow --model MODEL' },
  ],
  escalate: 'The owner of the candidate; at once where traffic does not go back within five minutes of the roll-back.',
};
