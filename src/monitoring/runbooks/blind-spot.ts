import type { Runbook } from './runbook.js';

export const BLIND_SPOT: Runbook = {
  name: 'blind-spot',
  alertname: 'BallastBlindSpot',
  title: 'Something that is promised is not measured',
  meaning:
    'Requests, labels, probabilities, slices, counts or the origin of a version are missing, so that an objective cannot be judged: it is neither kept nor ' +
    'broken, and nobody would see it break. The alert names in `missing` what is not there.',
  check: [
    { text: 'What is missing, and for which objective?', command: 'ballast alerts list --model MODEL' },
    { text: 'Labels: how many of the answers that had their time have one?', command: 'ballast labels missing MODEL' },
    { text: 'Provenance: is the version registered, by whom, of which run?', command: 'ballast models show MODEL' },
  ],
  act: [
    {
      text: 'Traffic: serve it where it is seen, or let the program that asks it record its answers (Recorder of ballast/monitoring).',
      command: 'ballast serve --models MODEL',
    },
    {
      text: 'Labels: send them as they come, and draw the few that are worth most (X16).',
      command: 'ballast labels sample MODEL --count 200 --out to-label.csv',
    },
    {
      text: 'Labels take longer than the objective waits: say so in its labels.delay.',
      command: 'ballast slo list MODEL',
    },
    { text: 'Drift tests: hold production against the reference of the version.', command: 'ballast drift MODEL' },
    {
      text: 'Registration, commit, regularizers (X10, X18): register the run; train within a repository.',
      command: 'ballast models register RUN MODEL',
    },
    { text: 'Owner: name who answers for it.', command: 'ballast models set MODEL --owner WHO --on-call WHERE' },
    {
      text: 'Counts of your own: report them from the application.',
      command: 'ballast slo count MODEL SLI --good 99 --total 100',
    },
    { text: 'Slices: send the key as a parameter of the request, or as the header x-ballast-KEY.' },
  ],
  escalate:
    'The team of the application that calls the model, within the day: what is not seen now cannot be looked up later.',
};
