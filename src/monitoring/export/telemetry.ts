import { countAbove, histogramSum } from '../../numeric/index.js';
import { durationText } from '../../spec/duration-text.js';
import { HOUR_MS, type ObservationWindow, type Store } from '../../store/index.js';
import { DriftWatch } from '../slo/drift-watch.js';
import { observedWindow } from '../slo/feed.js';
import { type MeasuredModel, measureModel } from '../slo/measure-model.js';
import type { ModelSlo } from '../slo/model-slos.js';
import { isOfAnswers, measureSli, sliceOf } from '../slo/sli.js';
import type { SloStatus } from '../slo/status.js';
import { watchedModels } from '../slo/watched.js';
import { answersOf } from '../slo/window.js';
import { addCounts, type CountsByHour, GrowingCounts, hourOf } from './growing-counts.js';
import type { MetricFamily, Sample } from './openmetrics.js';
import { countTrainingEvents, trainingFamily, trainingsByHour } from './training-family.js';

/** How far back counts may still change: labels that come later are in the store, not in the counters. */
const HORIZON_MS = 7 * 24 * HOUR_MS;
/** Upper bounds of the latency histogram, seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface TelemetryOptions {
  /** Of the machine, per hour: gives the cost of answers. */
  readonly pricePerHour?: number;
}

/** The series of `/metrics`, kept from one scrape to the next. Every replica over one store shows the same values. */
export class Telemetry {
  readonly #store: Store;
  readonly #price: number | undefined;
  readonly #traffic = new GrowingCounts();
  readonly #events = new GrowingCounts();
  readonly #trainings = new GrowingCounts();
  readonly #drift: DriftWatch;

  constructor(store: Store, { pricePerHour }: TelemetryOptions = {}) {
    this.#store = store;
    this.#price = pricePerHour;
    this.#drift = new DriftWatch(store);
  }

  async families(now = Date.now()): Promise<MetricFamily[]> {
    const store = this.#store;
    const models: MeasuredModel[] = [];
    const traffic: CountsByHour = new Map();
    const events: CountsByHour = new Map();
    const range = { from: hourOf(now - HORIZON_MS), to: now };
    const outcomes = await store.trainingOutcomes(range);
    for (const name of await watchedModels(store)) {
      const measured = await measureModel(store, name, { now, drift: this.#drift });
      const { slos } = measured;
      models.push(measured);
      const recent = await store.windowsOf(name, { ...range, slice: '' });
      countTraffic(traffic, recent);
      countEvents(events, recent, name, slos);
      countCustom(events, await store.sliCounts(name, range), slos);
      countTrainingEvents(events, outcomes, name, slos);
    }
    this.#traffic.update(traffic);
    this.#events.update(events);
    this.#trainings.update(trainingsByHour(outcomes));
    const firing = await store.listAlerts({ state: 'firing' });
    return [
      ...trafficFamilies(this.#traffic, this.#price),
      eventsFamily(this.#events),
      trainingFamily(this.#trainings),
      ...infoFamilies(models),
      ...objectiveFamilies(models),
      gauge(
        'ballast_drift_effect',
        'Share of rows of the last day that would have to be different, by column; against training',
        models.flatMap(({ model, drift }) =>
          (drift?.columns ?? []).map(({ name, effect }) => ({
            labels: { model: model.name, column: name },
            value: effect,
          })),
        ),
      ),
      gauge(
        'ballast_alert',
        'Alerts that fire; 0 while they are silenced',
        firing.map(({ labels, suppressedBy }) => ({
          labels: pick(labels, ['alertname', 'model', 'version', 'severity', 'ledger_stage']),
          value: suppressedBy === undefined ? 1 : 0,
        })),
      ),
    ];
  }
}

/** Answered, rejected, failed, right, wrong; milliseconds of all answers; answers within each bound. */
function countTraffic(hours: CountsByHour, windows: readonly ObservationWindow[]): void {
  for (const window of windows) {
    const { model, version, role, rejected, failed, labelled, wrong, latency } = window;
    const answers = answersOf(window);
    const bounds = BOUNDS.map((bound) => answers - countAbove(latency, 1000 * bound));
    const counts = [answers, rejected, failed, labelled - wrong, wrong, histogramSum(latency), ...bounds];
    addCounts(hours, `${model} ${hourOf(window.start)}`, JSON.stringify({ model, version, role }), counts);
  }
}

const STAGES = { live: 'production', candidate: 'canary', shadow: 'shadow' } as const;

/** Events of objectives that count events; those of slices of time are told by their burn rates. */
function countEvents(
  hours: CountsByHour,
  windows: readonly ObservationWindow[],
  model: string,
  slos: readonly ModelSlo[],
): void {
  for (const window of windows) {
    for (const { slo } of slos) {
      if (!isOfAnswers(slo) || sliceOf(slo.sli) > 0 || STAGES[window.role] !== slo.stage) continue;
      const { good, total } = measureSli(slo.sli, [observedWindow(window)]);
      const key = JSON.stringify({ model, slo: slo.name, version: window.version });
      addCounts(hours, `${model} ${hourOf(window.start)}`, key, [good, total - good]);
    }
  }
}

function countCustom(
  hours: CountsByHour,
  counts: Awaited<ReturnType<Store['sliCounts']>>,
  slos: readonly ModelSlo[],
): void {
  for (const { model, name, version, at, good, total } of counts) {
    for (const { slo } of slos) {
      if (slo.sli.type !== 'custom' || slo.sli.name !== name) continue;
      addCounts(hours, `${model} ${hourOf(at)}`, JSON.stringify({ model, slo: slo.name, version }), [
        good,
        total - good,
      ]);
    }
  }
}

const gauge = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({
  name,
  type: 'gauge',
  help,
  samples,
});

const labelsOf = (key: string): Record<string, string> => JSON.parse(key) as Record<string, string>;

function trafficFamilies(counts: GrowingCounts, price: number | undefined): MetricFamily[] {
  const series = [...counts.totals()].map(([key, values]) => ({ labels: labelsOf(key), values }));
  const outcomes = (names: readonly (readonly [string, number])[]): Sample[] =>
    series.flatMap(({ labels, values }) =>
      names.map(([outcome, at]) => ({ suffix: '_total', labels: { ...labels, outcome }, value: values[at] })),
    );
  const seconds = (values: readonly number[]): number => values[5] / 1000;
  return [
    {
      name: 'ballast_requests',
      type: 'counter',
      help: 'Rows that were asked, by what became of them',
      samples: outcomes([
        ['ok', 0],
        ['rejected', 1],
        ['failed', 2],
      ]),
    },
    {
      name: 'ballast_labels',
      type: 'counter',
      help: 'Answers whose label is known, right and wrong',
      samples: outcomes([
        ['right', 3],
        ['wrong', 4],
      ]),
    },
    {
      name: 'ballast_request_latency_seconds',
      type: 'histogram',
      unit: 'seconds',
      help: 'Time from request to answer, to within 1 %',
      samples: series.flatMap(({ labels, values }) => [
        ...BOUNDS.map((bound, i) => ({
          suffix: '_bucket',
          labels: { ...labels, le: String(bound) },
          value: values[6 + i],
        })),
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: values[0] },
        { suffix: '_count', labels, value: values[0] },
        { suffix: '_sum', labels, value: seconds(values) },
      ]),
    },
    {
      name: 'ballast_busy_seconds',
      type: 'counter',
      unit: 'seconds',
      help: 'Time spent on answers: its rate is the utilization by a version, in requests at a time',
      samples: series.map(({ labels, values }) => ({ suffix: '_total', labels, value: seconds(values) })),
    },
    {
      name: 'ballast_cost',
      type: 'counter',
      help: 'Money spent on answers: time spent on them by the price of the machine',
      samples:
        price === undefined
          ? []
          : series.map(({ labels, values }) => ({
              suffix: '_total',
              labels,
              value: (seconds(values) * price) / 3600,
            })),
    },
  ];
}

function eventsFamily(counts: GrowingCounts): MetricFamily {
  return {
    name: 'ballast_slo_events',
    type: 'counter',
    help: 'Events of objectives, good and bad',
    samples: [...counts.totals()].flatMap(([key, [good, bad]]) => [
      { suffix: '_total', labels: { ...labelsOf(key), outcome: 'good' }, value: good },
      { suffix: '_total', labels: { ...labelsOf(key), outcome: 'bad' }, value: bad },
    ]),
  };
}

/** What other series join on by model and version: where it comes from, who answers for it. */
function infoFamilies(models: readonly MeasuredModel[]): MetricFamily[] {
  const samples = models.flatMap(({ model: { name, registered, version } }) => {
    if (registered === undefined || version === undefined) return [];
    const labels = {
      model: name,
      version: String(version.version),
      regularizer_id: version.regularizerId ?? 'unknown',
      commit: version.codeCommit ?? 'unknown',
      data_version: version.dataVersion ?? 'unknown',
      run_id: version.runId ?? 'unknown',
      owner: registered.owner ?? 'unknown',
      on_call: registered.onCall ?? registered.owner ?? 'unknown',
      criticality: registered.criticality ?? 'unknown',
    };
    return [{ suffix: '_info', labels, value: 1 }];
  });
  return [
    {
      name: 'ballast_model',
      type: 'info',
      help: 'The version of a model that traffic follows, or its newest; joins by model',
      samples,
    },
  ];
}

function objectiveFamilies(models: readonly MeasuredModel[]): MetricFamily[] {
  const each = (value: (status: SloStatus) => number | undefined): Sample[] =>
    models.flatMap(({ model, statuses }) =>
      statuses.flatMap((status) => {
        const of = value(status);
        return of === undefined ? [] : [{ labels: { model: model.name, slo: status.slo.name }, value: of }];
      }),
    );
  const burns = models.flatMap(({ model, statuses }) =>
    statuses.flatMap(({ slo, burn }) => {
      const rates = new Map(
        burn.flatMap((rule) => [
          [rule.longMs, rule.longBurn],
          [rule.shortMs, rule.shortBurn],
        ]),
      );
      return [...rates].map(([ms, value]) => ({
        labels: { model: model.name, slo: slo.name, window: durationText(ms) },
        value,
      }));
    }),
  );
  return [
    gauge(
      'ballast_slo_objective',
      'Share of good events that is promised',
      each(({ slo }) => slo.objective),
    ),
    gauge(
      'ballast_slo_attained',
      'Share of good events over the window of the objective',
      each(({ attained }) => attained?.value),
    ),
    gauge(
      'ballast_slo_budget_remaining',
      'Share of the error budget that is left; below 0 it is overspent',
      each(({ budget }) => budget.remaining),
    ),
    gauge(
      'ballast_slo_coverage',
      'Share of events whose outcome is known: labels that came',
      each(({ coverage }) => coverage),
    ),
    gauge(
      'ballast_slo_breached',
      '1 where the objective is broken',
      each(({ state }) => (state === 'breached' ? 1 : 0)),
    ),
    gauge('ballast_slo_burn_rate', 'How many times too fast the error budget is spent, over a window', burns),
  ];
}

function pick(labels: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, labels[name] ?? '']));
}
