import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { dayText, percent } from '../format.js';
import { Chart } from '../parts/chart.js';
import {
  type Canary,
  canaryText,
  lineOf,
  type Moment,
  type Origin,
  OriginLine,
  type Promised,
  STATES,
} from '../parts/promises.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';

interface Executive extends Origin {
  readonly criticality: string | null;
  readonly slos: readonly Promised[];
  readonly canary: Canary | null;
  readonly days: readonly Moment[];
}

const LIVE_MS = 30_000;

/** What is promised of every model and what was kept; canaries, costs, calibration and fairness over thirty days. */
export function ExecutivePage(): ReactNode {
  const { data, error } = useAnswer<{ models: Executive[] }>('/dashboards/executive', LIVE_MS);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const all = data.models.flatMap(({ slos }) => slos);
  const kept = all.filter(({ state }) => state === 'met').length;
  const broken = all.filter(({ state }) => state === 'breached').length;
  return (
    <>
      <h1>Promises</h1>
      <p>
        {all.length === 0
          ? 'Nothing is promised yet. Next: ballast slo import FILE --model NAME'
          : `${kept} of ${all.length} promises kept, ${broken} broken, ${all.length - kept - broken} not known yet`}
      </p>
      {data.models.map((model) => (
        <section key={model.model}>
          <h2>
            <a href={linkTo(['on-call', model.model])}>{model.model}</a>
            {model.criticality !== null && ` (${model.criticality})`}
          </h2>
          <OriginLine {...model} />
          <Table
            head={['promise', 'state', 'kept', 'promised', 'budget left']}
            rows={model.slos.map(({ slo, state, attained, budget }) => [
              slo.name,
              STATES[state],
              percent(attained?.value),
              `${percent(slo.objective)} over ${slo.window}`,
              state === 'no-data' ? '–' : percent(budget.remaining),
            ])}
          />
          <p>Canary: {canaryText(model.canary)}</p>
          <div className="charts">
            <Chart
              title="Requests a day"
              place={dayText}
              lines={[lineOf(model.days, 'requests', (day) => day.requests)]}
            />
            <Chart
              title="Calibration error"
              place={dayText}
              lines={[lineOf(model.days, 'calibration error', (day) => day.ece)]}
            />
            <Chart
              title="Largest gap between slices"
              place={dayText}
              lines={[lineOf(model.days, 'gap', (day) => day.sliceGap)]}
            />
            <Chart
              title="Cost of 1,000 answers"
              place={dayText}
              lines={[lineOf(model.days, 'cost', (day) => day.costPer1000)]}
            />
          </div>
        </section>
      ))}
    </>
  );
}
