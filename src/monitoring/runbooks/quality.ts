import type { Runbook } from './runbook.js';

export const CALIBRATION: Runbook = {
  name: 'calibration-drift',
  alertname: 'BallastCalibrationDrift',
  title: 'Confidence does not say any more how often answers are right',
  meaning:
    'Probabilities and what came true have moved apart over the last labelled day. Classes may still be right; whatever is decided by a threshold ' +
    'on a probability is not. Accuracy that is estimated without labels is no longer given. Mostly overconfidence after a ' +
    'shift of inputs or classes, or after fine-tuning without decay.',
  check: [
    { text: 'How large is it, and since when?', command: 'ballast slo status MODEL' },
    { text: 'Did inputs or classes move with it?', command: 'ballast drift MODEL' },
    {
      text: 'Are the labels of the day typical, or only those of one source?',
      command: 'ballast labels missing MODEL --since 7d',
    },
  ],
  act: [
    {
      text: 'Inputs are as before: fit a temperature on recent labels, which changes no class.',
      command: 'ballast calibrate models:/MODEL/VERSION --data recent.csv --out calibrated.onnx',
    },
    {
      text: 'Inputs moved too: a new map hides it for days. Train again.',
      command: 'ballast runbook quick-retrain --model MODEL',
    },
    { text: 'Until then decide by classes, or send what is close to the threshold to people.' },
  ],
  escalate:
    'At once where safety hangs on the probabilities (the alert is then a page); else the owner, within the day.',
};

export const DRIFT: Runbook = {
  name: 'drift',
  alertname: 'BallastDrift',
  title: 'Inputs or answers are not what they were in training',
  meaning:
    'Columns stay different from the rows that the model was trained on, by more than is usual for them, in most of the last windows. Quality may not have ' +
    'suffered yet: labels, or the loss beside each column, tell. Without a new version (X6) it is mostly the source: a unit, a default, a new ' +
    'region, a broken feed; else the world changed.',
  check: [
    { text: 'Which columns, by how much, and what is each worth in loss?', command: 'ballast drift MODEL' },
    {
      text: 'One day, or the cycle of a week? Look at longer windows before anything else (X11).',
      command: 'ballast drift MODEL --window 7d',
    },
    { text: 'Did quality change with it?', command: 'ballast ledger models:/MODEL/VERSION' },
    { text: 'Are there labels enough to say?', command: 'ballast labels missing MODEL' },
  ],
  act: [
    {
      text: 'A column went missing or changed its unit: have its source mended. Training on broken values makes it permanent.',
    },
    {
      text: 'The world changed and quality fell: train again on recent rows, with strengths for as few of them as there are.',
      command: 'ballast runbook quick-retrain --model MODEL',
    },
    {
      text: 'Inputs of another kind came (devices, regions): augmentation or domain adaptation, before more data.',
      command: 'ballast runbook adjust-regularization --model MODEL',
    },
    {
      text: 'Few labels: draw the rows that are worth one.',
      command: 'ballast labels sample MODEL --by drift --count 200 --out to-label.csv',
    },
    {
      text: 'It is wanted (a campaign) and quality holds: keep it quiet for as long as it lasts.',
      command: 'ballast alerts silence model=MODEL alertname=BallastDrift --for 7d --reason "campaign"',
    },
  ],
  escalate: 'Whoever runs the source of the worst column, once it is known; the owner of the model where quality fell.',
};

export const COMPRESSION: Runbook = {
  name: 'compression-loss',
  alertname: 'BallastCompressionLoss',
  title: 'Compression cost quality',
  meaning:
    'The model that traffic follows was made smaller, and lost accuracy for certain: the interval of what it lost lies above 0. Rare classes ' +
    'mostly lose most of it (X13).',
  check: [
    { text: 'How much was lost at which stage?', command: 'ballast ledger models:/MODEL/VERSION' },
    {
      text: 'Which layers and classes left the original?',
      command: 'ballast compare model.onnx compressed.onnx --data rows.csv --layers',
    },
    { text: 'Is it faster at least (F9)?', command: 'ballast bench compressed.onnx --against model.onnx' },
  ],
  act: [
    {
      text: 'Compress again with a bound on what may be lost: pruning is then gradual, with fine-tuning.',
      command: 'ballast compress RUN --constraint "qualityLoss<=0.005"',
    },
    {
      text: 'More was lost than the model may lose: serve what it was made of.',
      command: 'ballast runbook roll-back --model MODEL',
    },
  ],
  escalate: 'The owner, where the alert calls the loss critical.',
};

export const SLOW: Runbook = {
  name: 'slow',
  title: 'Answers are late',
  meaning:
    'Either the model became slower (a larger version, a compression that this machine cannot use: X7, X22), or requests wait: for a worker, for a ' +
    'batch to fill, for a machine that does something else.',
  check: [
    { text: 'Since which version?', command: 'ballast slo status MODEL' },
    {
      text: 'What does the version cost on this machine?',
      command: 'ballast bench model.onnx --against previous.onnx',
    },
    {
      text: 'How does it stand a load that does not wait for it?',
      command: 'ballast rollout stress MODEL --candidate VERSION --rate 100 --duration 30s',
    },
  ],
  act: [
    {
      text: 'A version is slower: go back, then compress for this target.',
      command: 'ballast runbook roll-back --model MODEL',
    },
    {
      text: 'Channels and heads make it faster here, single weights do not: prune those.',
      command: 'ballast compress RUN --method prune --out pruned.onnx',
    },
    {
      text: 'Requests wait: more processes, or smaller batches.',
      command: 'ballast serve --models MODEL --workers 2 --batch-wait-ms 0',
    },
  ],
  escalate: 'Whoever runs the machines, where it is slow and its processors are not busy with the model.',
};
