/** How often drift is told where there is none, and found where there is; events that are known; accuracy without labels. */
import type { Column, Table } from '../../src/data/table.js';
import { measureDrift } from '../../src/monitoring/drift/drift.js';
import { productionDrift } from '../../src/monitoring/drift/production.js';
import { summaryOfTable } from '../../src/monitoring/drift/source-summary.js';
import { labelFreePerformance } from '../../src/monitoring/performance/estimate.js';
import { referenceOfTable } from '../../src/monitoring/reference/build.js';
import { ColumnSketch } from '../../src/monitoring/sketch/column-sketch.js';
import { binomialSf, derive, type Random, wilsonInterval } from '../../src/numeric/index.js';
import { addCounts, countsOf, countsOfLabel, noCounts, type Observation } from '../../src/store/index.js';
import { bikes, elec2, operations, weather } from './drift-streams.js';
import type { Results } from './page.js';

const FEATURES = 30;
const ROWS = { reference: 1000, window: 500 } as const;

function normals(random: Random, rows: number, shifted?: { column: number; by: number }): Table {
  return {
    rows,
    columns: Array.from(
      { length: FEATURES },
      (_, j): Column => ({
        kind: 'number',
        name: `x${j}`,
        type: 'float',
        values: Float64Array.from({ length: rows }, () => random.normal(shifted?.column === j ? shifted.by : 0, 1)),
      }),
    ),
  };
}

interface Rates {
  readonly ours: number;
  readonly byItself: number;
  readonly half: number;
  readonly any: number;
}

/** Of independent pairs of sources, how many are called drifted: by Ballast, by half of the columns at p < 0.05, by any of them. */
function rates(windows: number, shift: number, tell: (line: string) => void): Rates {
  const random = derive(1, 'drift results', String(shift));
  let [ours, byItself, half, any] = [0, 0, 0, 0];
  for (let window = 0; window < windows; window++) {
    const column = window % FEATURES;
    const shifted = shift === 0 ? undefined : { column, by: shift };
    const [a, b] = [normals(random, ROWS.reference), normals(random, ROWS.window, shifted)].map(summaryOfTable);
    // At the least effect of 0 the tests alone decide.
    const report = measureDrift(a, b, { leastEffect: 0, seed: window });
    if (report.drifted) ours++;
    if (report.features.some(({ name, drifted }) => drifted && name === `x${column}`)) byItself++;
    const low = report.features.filter(({ pValue }) => pValue < 0.05).length;
    if (low >= FEATURES / 2) half++;
    if (low > 0) any++;
    if (window % 50 === 49) tell(`${shift === 0 ? 'null' : 'shifted'}: ${window + 1} of ${windows}`);
  }
  return { ours, byItself, half, any };
}

/** A model in production whose world stays as it is: how many of its windows, one after the other, are called drifted. */
function production(windows: number): { flagged: number; drifted: number } {
  const random = derive(2, 'drift results');
  const reference = referenceOfTable(normals(random, ROWS.reference));
  const spans = Array.from({ length: windows }, (_, start) => {
    const table = normals(random, ROWS.window);
    const columns = new Map<string, ColumnSketch>();
    for (const column of table.columns) {
      const sketch = new ColumnSketch();
      if (column.kind === 'number') sketch.add(Array.from(column.values));
      columns.set(`feature/${column.name}`, sketch);
    }
    return { start, ms: 1, columns };
  });
  let [flagged, drifted] = [0, 0];
  for (let end = 3; end <= windows; end++) {
    const report = productionDrift(reference, spans.slice(Math.max(0, end - 10), end), { leastEffect: 0 });
    if (report.features.some((each) => each.windows.at(-1)?.drifted === true)) flagged++;
    if (report.drifted) drifted++;
  }
  return { flagged, drifted };
}

/** A classifier that is calibrated, or overconfident by a factor of its logits; windows whose rows lie elsewhere than the reference's. */
function withoutLabels(
  windows: number,
  sharper: number,
): { granted: boolean; largest: number; mean: number; reason: string } {
  const random = derive(3, 'drift results', String(sharper));
  const observation = (spread: number, centre: number): { row: Observation; label: string } => {
    const logit = random.normal(centre, spread);
    const p = 1 / (1 + Math.exp(-logit));
    const said = 1 / (1 + Math.exp(-sharper * logit));
    const row: Observation = {
      ...{ id: '', at: 0, model: '', version: '', regularizerId: '', role: 'live', status: 'ok', latencyMs: 1 },
      ...{ features: {}, flags: [], metadata: {}, prediction: logit > 0 ? 'yes' : 'no', scores: [1 - said, said] },
    };
    return { row, label: random.uniform() < p ? 'yes' : 'no' };
  };
  let counts = noCounts();
  for (let i = 0; i < 5000; i++) {
    const { row, label } = observation(2, 0.5);
    counts = addCounts(counts, countsOfLabel(row, label, 1));
  }
  const reference = { ...referenceOfTable({ rows: 0, columns: [] }), confidence: counts.confidence };
  const seen = Array.from({ length: windows }, (_, start) => {
    // From windows that are easier to windows that are harder than the reference.
    const spread = 3 - (2.5 * start) / windows;
    let window = noCounts();
    let right = 0;
    for (let i = 0; i < 5000; i++) {
      const { row, label } = observation(spread, 0);
      window = addCounts(window, countsOf(row));
      if (row.prediction === label) right++;
    }
    return { window: { ...window, start }, accuracy: right / 5000 };
  });
  const { licence, windows: estimated } = labelFreePerformance(
    reference,
    seen.map(({ window }) => window),
  );
  const apart = estimated.flatMap((each, i) =>
    each.estimated === null ? [] : [Math.abs(each.estimated.value - seen[i].accuracy)],
  );
  return {
    granted: licence.granted,
    reason: licence.reason,
    largest: Math.max(0, ...apart),
    mean: apart.reduce((sum, each) => sum + each, 0) / Math.max(1, apart.length),
  };
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const windows = quick ? 40 : 400;
    const still = rates(windows, 0, tell);
    const moved = rates(windows / 2, 0.5, tell);
    const percent = (count: number, of: number): string => {
      const [low, high] = wilsonInterval(count, of);
      return `${((100 * count) / of).toFixed(1)} % (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
    };
    const p = binomialSf(still.ours - 1, windows, 0.05);
    tell('in production');
    const served = production(quick ? 40 : 120);
    const judged = (quick ? 40 : 120) - 2;
    tell('without labels');
    const calibrated = withoutLabels(quick ? 5 : 25, 1);
    const overconfident = withoutLabels(quick ? 5 : 25, 2);
    const streams = [
      ...(await elec2(datasets)),
      ...(await weather(datasets)),
      ...(await bikes(datasets)),
      ...(await operations(datasets)),
    ];
    return `# Drift: false alarms, what is found, known events

## Where nothing changed, and where one column of thirty did

${ROWS.reference} rows against ${ROWS.window}, ${FEATURES} independent normal columns; one of them moved by half a standard deviation below. All
tests of the columns and of all columns together count; effects of any size (\`--least-effect 0\`), so that only chance decides.

| Rule | ${windows} windows without drift, called drifted | ${windows / 2} windows with drift in one column, called drifted |
| --- | --- | --- |
| Ballast (false discoveries 5 %) | ${percent(still.ours, windows)} | ${percent(moved.ours, windows / 2)} |
| half of the columns at p < 0.05 | ${percent(still.half, windows)} | ${percent(moved.half, windows / 2)} |
| any column at p < 0.05 | ${percent(still.any, windows)} | ${percent(moved.any, windows / 2)} |

A one-sided binomial test of 5 % or less has p = ${p.toFixed(3)}. The column that moved was named in ${percent(moved.byItself, windows / 2)}.

## A model in production

${judged} windows of ${ROWS.window} rows one after the other, each judged with the 9 before it under one false discovery rate: without persistence
${percent(served.flagged, judged)} of the windows have a column called drifted, with it (2 of the last 3) ${percent(served.drifted, judged)}.

## Accuracy without labels

${quick ? 5 : 25} windows of 5,000 answers, from easier than the reference to much harder. A calibrated classifier: ${
      calibrated.granted
        ? `the estimate is
${(100 * calibrated.mean).toFixed(2)} points from the accuracy in the mean, ${(100 * calibrated.largest).toFixed(2)} at most`
        : calibrated.reason
    }. One whose logits are twice too large: ${overconfident.granted ? `${(100 * overconfident.largest).toFixed(2)} points at most` : `unknown (${overconfident.reason})`}.

## Known events

| Stream | What | Known | Found |
| --- | --- | --- | --- |
${streams.join('\n')}

The windows of elec2 and noaa-weather are held against their first half year and five years, under the same rule as above with the usual
least effect of 5 % of the rows; a drift counts from the first window whose next one shows it too. Weekly windows of a market are unlike half a year of
it: what a window holds has to be comparable with its reference. The incidents of nab are spikes and odd shapes as often as changes of level,
and its series have cycles: a detector of levels is not a detector of incidents.
`;
  },
};
