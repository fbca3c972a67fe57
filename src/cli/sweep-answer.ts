import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { sweepReport } from '../reports/sweep-report.js';
import { sweepReportInput } from '../reports/sweep-report-input.js';
import { writeFiles } from '../reports/write-report.js';
import type { Store } from '../store/types.js';
import type { OpenSweep } from '../tuning/sweep/definition.js';
import type { SweepResult } from '../tuning/sweep/result.js';
import { localFolder } from './local-folder.js';
import { answer, type CommonOptions } from './output.js';
import { shownPath } from './shown-path.js';
import { sweepLines } from './sweep-lines.js';

/** Writes report and best spec of a sweep, and answers with what it came to. */
export async function answerSweep(
  { result, sweep }: { result: SweepResult; sweep: OpenSweep },
  store: Store,
  options: CommonOptions & { out?: string },
): Promise<void> {
  const { sweepId, best, end } = result;
  const folder = resolve(options.out ?? join(localFolder(options.store), 'sweeps', sweepId));
  const report = join(folder, 'report.html');
  const input = sweepReportInput(sweepId, sweep, await store.listTrials(sweepId), result);
  await writeFiles(folder, [{ path: report, content: sweepReport(input) }]);
  let specFile: string | undefined;
  if (best !== undefined) {
    specFile = join(folder, 'best.yaml');
    await makeFolder(folder);
    await writeFile(specFile, specText(result, sweep));
  }
  if (end === 'interrupted') {
    throw new BallastError('interrupted; everything up to the last step is kept', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
      remedy: `Go on with: ballast sweeps resume ${sweepId.slice(0, 8)}`,
    });
  }
  const document = { ...result, ...(specFile === undefined ? {} : { specFile }), report };
  const lines = [
    ...sweepLines(result, sweep),
    '',
    `report   ${shownPath(report)}`,
    ...(specFile === undefined
      ? []
      : [
          `spec     ${shownPath(specFile)}`,
          `Next: ballast train ${shownPath(specFile)}   (the model itself, beside its baseline)`,
        ]),
  ];
  answer(options, document, lines.join('\n'));
}

function specText({ sweepId, best }: SweepResult, { definition }: OpenSweep): string {
  const { spec, trial, metric, objective } = best!;
  const source = [spec.data.source].flat();
  const absolute = source.map((path) =>
    /^[a-z][a-z0-9+.-]*:/i.test(path) ? path : resolve(definition.baseDirectory, path),
  );
  const data = {
    ...spec.data,
    source: absolute.length === 1 ? absolute[0] : absolute,
    name: spec.data.name ?? source.join(' '),
  };
  return `# Trial ${trial} of sweep ${sweepId}: ${objective} ${Number(metric.toPrecision(4))} on validation.\n${stringify({ ...spec, data })}`;
}
