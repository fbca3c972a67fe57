/** The three dashboards, as Grafana's JSON over the series of `/metrics`. */
export const GRAFANA_DASHBOARDS = ['executive', 'on-call', 'debug'] as const;
export type GrafanaDashboard = (typeof GRAFANA_DASHBOARDS)[number];

/** A panel of a dashboard. */
export interface PanelSpec {
  readonly title: string;
  readonly description?: string;
  readonly type: 'timeseries' | 'stat' | 'table' | 'heatmap';
  readonly unit?: 'percentunit' | 's' | 'short' | 'reqps' | 'currencyUSD' | 'bool_yes_no';
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  /** Of 24 columns. */
  readonly width?: number;
  readonly thresholds?: readonly (readonly [colour: string, from: number | null])[];
}

/** The models that are chosen. */
export const MODEL = 'model=~"$model"';
const LIVE = `${MODEL},role="live"`;
const CANARY = `${MODEL},role="candidate"`;

/** Series that several servers over one store show are counted once. */
const once = (expr: string, by: string): string => `max by (${by}) (${expr})`;
const requests = (labels: string): string =>
  `sum by (model) (${once(`rate(ballast_requests_total{${labels}}[$__rate_interval])`, 'model, version, role, outcome')})`;
const share = (metric: string, labels: string, outcome: string): string => {
  const rate = (of: string): string =>
    `sum by (model) (${once(`rate(${metric}{${of}}[$__rate_interval])`, 'model, version, role, outcome')})`;
  return `${rate(`${labels},outcome="${outcome}"`)} / ${rate(labels)}`;
};
const p99 = (labels: string): string =>
  `histogram_quantile(0.99, sum by (model, le) (${once(`rate(ballast_request_latency_seconds_bucket{${labels}}[$__rate_interval])`, 'model, version, role, le')}))`;
const cost = `1000 * sum by (model, version) (${once(`rate(ballast_cost_total{${MODEL}}[$__rate_interval])`, 'model, version, role')}) / sum by (model, version) (${once(`rate(ballast_requests_total{${MODEL},outcome="ok"}[$__rate_interval])`, 'model, version, role')})`;
const trainings = (labels: string): string =>
  `sum by (experiment) (${once(`increase(ballast_trainings_total{${labels}}[7d])`, 'experiment, outcome')})`;
const BUDGET = [
  ['red', null],
  ['orange', 0],
  ['green', 0.25],
] as const;

/** Where the model comes from: on every dashboard. */
const ORIGIN: PanelSpec = {
  title: 'Version, commit, regularizers, owner',
  type: 'table',
  queries: [[`max without (instance, job) (ballast_model_info{${MODEL}})`, '']],
  width: 24,
};

export const PANELS: Readonly<Record<GrafanaDashboard, readonly PanelSpec[]>> = {
  executive: [
    ORIGIN,
    {
      title: 'Error budget left',
      description: 'Below 0 the promise is broken',
      type: 'stat',
      unit: 'percentunit',
      queries: [[once(`ballast_slo_budget_remaining{${MODEL}}`, 'model, slo'), '{{model}} {{slo}}']],
      thresholds: BUDGET,
    },
    {
      title: 'Kept',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[once(`ballast_slo_attained{${MODEL}}`, 'model, slo'), '{{model}} {{slo}}']],
    },
    {
      title: 'Canary: share that is wrong, above the live version',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [
        [
          `${share('ballast_labels_total', CANARY, 'wrong')} - ${share('ballast_labels_total', LIVE, 'wrong')}`,
          '{{model}}',
        ],
      ],
    },
    { title: 'Cost of 1,000 answers', type: 'timeseries', unit: 'short', queries: [[cost, '{{model}} {{version}}']] },
    {
      title: 'Calibration: budget left',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[once(`ballast_slo_budget_remaining{${MODEL},slo=~".*calibrat.*"}`, 'model, slo'), '{{model}}']],
    },
    {
      title: 'Trainings that finished, last 7 days',
      description: 'By experiment; trials of sweeps do not count',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[`${trainings('outcome="finished"')} / ${trainings('')}`, '{{experiment}}']],
    },
    {
      title: 'Labels known',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[once(`ballast_slo_coverage{${MODEL}}`, 'model, slo'), '{{model}} {{slo}}']],
    },
  ],
  'on-call': [
    ORIGIN,
    {
      title: 'What fires',
      type: 'table',
      queries: [[`max without (instance, job) (ballast_alert{${MODEL}}) > 0`, '']],
      width: 24,
    },
    {
      title: 'Burn rate',
      description: 'Pages at 14.4 over 1h, 6 over 6h, above 3 over whatever window',
      type: 'timeseries',
      unit: 'short',
      queries: [[once(`ballast_slo_burn_rate{${MODEL}}`, 'model, slo, window'), '{{model}} {{slo}} {{window}}']],
    },
    {
      title: 'Share that fails',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [
        [share('ballast_requests_total', LIVE, 'failed'), '{{model}} live'],
        [share('ballast_requests_total', CANARY, 'failed'), '{{model}} canary'],
      ],
    },
    { title: 'Requests', type: 'timeseries', unit: 'reqps', queries: [[requests(MODEL), '{{model}}']] },
    {
      title: 'p99',
      type: 'timeseries',
      unit: 's',
      queries: [
        [p99(LIVE), '{{model}} live'],
        [p99(CANARY), '{{model}} canary'],
      ],
    },
    {
      title: 'Trainings that failed',
      type: 'timeseries',
      unit: 'short',
      queries: [[trainings('outcome="failed"'), '{{experiment}}']],
    },
    {
      title: 'Rejected for what was sent',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[share('ballast_requests_total', LIVE, 'rejected'), '{{model}}']],
    },
  ],
  debug: [
    ORIGIN,
    {
      title: 'Latency',
      type: 'heatmap',
      queries: [
        [
          `sum by (le) (${once(`increase(ballast_request_latency_seconds_bucket{${MODEL}}[$__rate_interval])`, 'model, version, role, le')})`,
          '{{le}}',
        ],
      ],
    },
    {
      title: 'Requests at a time, by version',
      type: 'timeseries',
      unit: 'short',
      queries: [
        [
          `sum by (model, version) (${once(`rate(ballast_busy_seconds_total{${MODEL}}[$__rate_interval])`, 'model, version, role')})`,
          '{{model}} {{version}}',
        ],
      ],
    },
    {
      title: 'Share that is wrong, by version',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [
        [
          `sum by (model, version) (${once(`rate(ballast_labels_total{${MODEL},outcome="wrong"}[$__rate_interval])`, 'model, version, role')}) / sum by (model, version) (${once(`rate(ballast_labels_total{${MODEL}}[$__rate_interval])`, 'model, version, role, outcome')})`,
          '{{model}} {{version}}',
        ],
      ],
    },
    {
      title: 'Drift by column',
      description: 'Share of rows of the last day that would have to be different',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [[once(`ballast_drift_effect{${MODEL}}`, 'model, column'), '{{model}} {{column}}']],
    },
    {
      title: 'Bad events of objectives, by version',
      type: 'timeseries',
      unit: 'short',
      queries: [
        [
          once(`increase(ballast_slo_events_total{${MODEL},outcome="bad"}[$__rate_interval])`, 'model, slo, version'),
          '{{model}} {{slo}} {{version}}',
        ],
      ],
    },
  ],
};
