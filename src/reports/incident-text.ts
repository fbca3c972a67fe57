import type { Incident, Question } from '../monitoring/index.js';

const day = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

/** A checklist in the terminal. */
export function checklistText({ model, from, known }: Incident, questions: readonly Question[]): string {
  const lines = questions.flatMap(({ text, answers, done, next }) => [
    `[${done === undefined ? '-' : done ? 'x' : ' '}] ${text}`,
    ...answers.map((each) => `      ${each}`),
    ...(next === undefined ? [] : [`      $ ${next}`]),
  ]);
  return [`${model}/${known.facts.VERSION ?? 'unknown'} since ${day(from)}`, ...lines].join('\n');
}

/** A postmortem in Markdown: what the record knows is filled in, what only people know is left to write. */
export function postmortemMarkdown(incident: Incident, questions: readonly Question[]): string {
  const { model, from, to, known, alerts, impact, timeline } = incident;
  const { VERSION = 'unknown', PREVIOUS = 'none' } = known.facts;
  const list = (lines: readonly string[]): string[] => lines.map((line) => `- ${line}`);
  return `${[
    `# Postmortem: ${model}, ${day(from)}`,
    '',
    '*What happened, in two sentences:*',
    '',
    ...list([
      `From ${day(from)} to ${day(to)}, ${Math.round((to - from) / 60_000)} minutes.`,
      `Version ${VERSION}, before it ${PREVIOUS}; run ${known.facts.RUN ?? 'unknown'}, commit ${known.commit ?? 'unknown'}, regularizers ${known.regularizerId ?? 'unknown'}.`,
      `Owner ${known.owner ?? 'unknown'}, on call ${known.onCall ?? 'unknown'}, escalation ${known.escalation ?? 'unknown'}.`,
    ]),
    '',
    '## What users met',
    '',
    '| version | role | requests | failed | labelled | wrong |',
    '| --- | --- | ---: | ---: | ---: | ---: |',
    ...impact.map(
      ({ version, role, requests, failed, labelled, wrong }) =>
        `| ${version} | ${role} | ${requests} | ${failed} | ${labelled} | ${wrong} |`,
    ),
    '',
    '## What was told',
    '',
    ...(alerts.length === 0 ? ['Nobody was told anything.'] : []),
    ...list(alerts.map(({ severity, annotations, state }) => `${severity}, ${state}: ${annotations.summary}`)),
    '',
    '## What happened when',
    '',
    ...list(timeline.map(({ at, what, by }) => `${day(at)} ${what}${by === undefined ? '' : ` (${by})`}`)),
    '',
    '## Why',
    '',
    ...questions.flatMap(({ text, answers }) => [`### ${text}`, '', ...list(answers), '']),
    '## What will be done',
    '',
    '| | action | who | until |',
    '| --- | --- | --- | --- |',
    ...['pipeline', 'tests', 'runbook'].map((what) => `| [ ] | ${what}: | ${known.owner ?? ''} | |`),
  ].join('\n')}\n`;
}
