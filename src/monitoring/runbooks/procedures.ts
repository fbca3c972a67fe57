import type { Runbook } from './runbook.js';

export const ROLL_BACK: Runbook = {
  name: 'roll-back',
  title: 'Go back to the version before',
  meaning:
    'Users get the answers of the version that was there before. Servers follow within seconds, without a request lost; nothing is deleted, and the ' +
    'way forward stays open. It takes less than a minute: do it before the reason is known.',
  check: [
    { text: 'Which versions are there, and where do the aliases point?', command: 'ballast models show MODEL' },
    { text: 'What is done already, and what is open?', command: 'ballast alerts incident MODEL' },
    { text: 'Is a rollout under way, or just over and still watched?', command: 'ballast rollout status MODEL' },
  ],
  act: [
    {
      text: 'A rollout is under way or watched: let it take the traffic back.',
      command: 'ballast rollout roll-back MODEL --reason "why"',
    },
    {
      text: 'None is: point the alias that traffic follows to the version before.',
      command: 'ballast models alias MODEL@champion PREVIOUS',
    },
    { text: 'See that answers come from it, and that the budget stops burning.', command: 'ballast slo status MODEL' },
    {
      text: 'Take the version out of use, so that nothing points to it again.',
      command: 'ballast models archive MODEL/VERSION',
    },
    {
      text: 'Write down what happened, while it is remembered: the record fills in most of it.',
      command: 'ballast alerts postmortem MODEL --out postmortem.md',
    },
  ],
  escalate:
    'Whoever the model names as escalation, where the version before has the same fault: then it is no matter of the version.',
};

export const QUICK_RETRAIN: Runbook = {
  name: 'quick-retrain',
  title: 'Train again on recent rows',
  meaning:
    'The same spec over data that holds what changed, with strengths that fit how much of it there is. It mends a world that moved; it does not mend ' +
    'a broken source, and it makes wrong labels permanent.',
  check: [
    {
      text: 'Is it the data at all? Findings say what else it could be.',
      command: 'ballast diagnose models:/MODEL/VERSION',
    },
    { text: 'Are the new rows sound: leaks, equal rows, poisoning?', command: 'ballast data check spec.yaml' },
    { text: 'How many labels are there of the rows that changed?', command: 'ballast labels missing MODEL' },
  ],
  act: [
    {
      text: 'Say that alerts are to be expected, so that nobody is woken by it.',
      command: 'ballast alerts plan MODEL --for 6h --reason "retraining on recent rows"',
    },
    { text: 'Train the baseline and the model; name the new data in the spec.', command: 'ballast train spec.yaml' },
    {
      text: 'Few new rows: look for the strengths again, from those of now.',
      command: 'ballast sweep spec.yaml --trials 20 --budget 20m',
    },
    {
      text: 'Hold it to the rules, and against the version that answers.',
      command: 'ballast gate RUN --against models:/MODEL/VERSION',
    },
    {
      text: 'Register it and bring it in step by step, as every version.',
      command: 'ballast models register RUN MODEL',
    },
    { text: 'The rollout judges it on real traffic.', command: 'ballast rollout start MODEL --candidate VERSION' },
  ],
  escalate:
    'The owner, where no version keeps the rules of the gate: serving the old one is then a decision, not a default.',
};

export const ADJUST: Runbook = {
  name: 'adjust-regularization',
  title: 'Make regularization stronger, weaker, or another',
  meaning:
    'A strength that was right for the rows of training can be wrong for those of now. Which regularizer and which way is not guessed: each finding is ' +
    'tried in a training of its own, on the same validation rows, and again under a second seed.',
  check: [
    { text: 'Which regularizers act, and how strongly?', command: 'ballast runs show RUN' },
    { text: 'Is a strength wrong, and which way?', command: 'ballast diagnose models:/MODEL/VERSION' },
    { text: 'What is each regularizer worth?', command: 'ballast train spec.yaml --ablate' },
    { text: 'Where in the lifecycle is quality lost?', command: 'ballast ledger models:/MODEL/VERSION' },
  ],
  act: [
    {
      text: 'Make the change of the surest finding, train, and see whether it helped.',
      command: 'ballast diagnose models:/MODEL/VERSION --apply',
    },
    {
      text: 'Train far better than validation and few rows: stronger. Both poor: weaker, then look at data and architecture.',
      command: 'ballast runbook playbook',
    },
    { text: 'Several strengths at once: search them together.', command: 'ballast sweep spec.yaml --trials 30' },
    { text: 'Bring the result in as a candidate.', command: 'ballast rollout start MODEL --candidate VERSION' },
  ],
  escalate: 'Nobody, while the version that answers keeps its promises: this is work for the day.',
};

export const PLAYBOOK: Runbook = {
  name: 'playbook',
  title: 'Adjust regularization, or collect data?',
  meaning:
    'Stronger regularization costs an hour, labels cost weeks; each is useless for what the other mends. Ask in this order and stop at the first yes. ' +
    '"Change nothing" is an answer, and so is "it is not a matter of regularization".',
  check: [
    {
      text: '1. Are labels, features or the evaluation wrong? Then neither: mend those.',
      command: 'ballast diagnose RUN --labels',
    },
    {
      text: '2. Are both training and validation poor? Weaker strengths, a larger model, more epochs; not more data.',
      command: 'ballast diagnose RUN',
    },
    {
      text: '3. Is training much better than validation, and does a stronger penalty help? Regularize.',
      command: 'ballast path spec.yaml',
    },
    {
      text: '4. Does validation still rise with the rows, and is no strength better? Collect data, those rows first that the model is unsure of.',
      command: 'ballast labels sample MODEL --by uncertainty --count 200 --out to-label.csv',
    },
    {
      text: '5. Is validation fine and production not? Data of where it is used, or domain adaptation; not a stronger penalty.',
      command: 'ballast drift MODEL',
    },
    { text: '6. Is it too dear to run? Compress.', command: 'ballast compress RUN --quick' },
  ],
  act: [
    { text: 'Regularize.', command: 'ballast runbook adjust-regularization --model MODEL' },
    {
      text: 'Collect: labels are joined as they come, then train again.',
      command: 'ballast runbook quick-retrain --model MODEL',
    },
    { text: 'Is regularization needed at all for these data?', command: 'ballast advise rows.csv --target TARGET' },
  ],
  escalate: 'The owner, where the answer costs more than a day: more labels, other features, another objective.',
};
