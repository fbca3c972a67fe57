import { type GrafanaDashboard, MODEL, PANELS, type PanelSpec } from './grafana-panels.js';

const TITLES: Readonly<Record<GrafanaDashboard, string>> = {
  executive: 'Ballast: promises',
  'on-call': 'Ballast: on call',
  debug: 'Ballast: debug',
};

/** A dashboard as Grafana imports it; the data source is asked for at import. */
export function grafanaDashboard(which: GrafanaDashboard, model?: string) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in at import.
  const source = { type: 'prometheus', uid: '${DS_PROMETHEUS}' };
  const value = model ?? '$__all';
  return {
    __inputs: [
      {
        ...{ name: 'DS_PROMETHEUS', label: 'Prometheus', description: 'It scrapes /metrics of ballast serve' },
        ...{ type: 'datasource', pluginId: 'prometheus', pluginName: 'Prometheus' },
      },
    ],
    __requires: [{ type: 'grafana', id: 'grafana', name: 'Grafana', version: '10.0.0' }],
    uid: `ballast-${which}`,
    title: TITLES[which],
    tags: ['ballast'],
    editable: true,
    graphTooltip: 1,
    schemaVersion: 38,
    version: 1,
    refresh: '30s',
    timezone: 'browser',
    time: { from: which === 'executive' ? 'now-30d' : 'now-6h', to: 'now' },
    annotations: {
      list: [
        {
          ...{ name: 'Versions', datasource: source, enable: true, iconColor: 'blue' },
          expr: `changes(ballast_model_info{${MODEL}}[5m]) > 0 or ballast_model_info{${MODEL}} unless ballast_model_info{${MODEL}} offset 5m`,
          titleFormat: '{{model}} {{version}}',
        },
      ],
    },
    templating: {
      list: [
        {
          ...{ name: 'model', label: 'Model', type: 'query' as const, datasource: source },
          query: { query: 'label_values(ballast_slo_objective, model)', refId: 'model' },
          ...{ includeAll: true, multi: true, refresh: 2, sort: 1 },
          current: { selected: true, text: model ?? 'All', value },
        },
      ],
    },
    panels: placed(PANELS[which]).map(({ spec, gridPos }, i) => panel(spec, { id: i + 1, gridPos, source })),
  };
}

const HEIGHT = 8;

/** Panels from left to right, a new row where one does not fit. */
function placed(specs: readonly PanelSpec[]) {
  let [x, y] = [0, 0];
  return specs.map((spec) => {
    const w = spec.width ?? 12;
    if (x + w > 24) {
      x = 0;
      y += HEIGHT;
    }
    const gridPos = { x, y, w, h: HEIGHT };
    x += w;
    return { spec, gridPos };
  });
}

interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

function panel(
  { title, description, type, unit = 'short', queries, thresholds }: PanelSpec,
  {
    id,
    gridPos,
    source,
  }: { id: number; gridPos: GridPosition; source: { readonly type: string; readonly uid: string } },
) {
  const isTable = type === 'table';
  return {
    ...{ id, title, type, gridPos, datasource: source },
    ...(description === undefined ? {} : { description }),
    targets: queries.map(([expr, legendFormat], i) => ({
      ...{ refId: String.fromCharCode(65 + i), datasource: source, expr, legendFormat },
      ...(isTable ? { format: 'table', instant: true } : type === 'heatmap' ? { format: 'heatmap' } : { range: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(thresholds === undefined
          ? {}
          : {
              color: { mode: 'thresholds' as const },
              thresholds: {
                mode: 'absolute' as const,
                steps: thresholds.map(([color, from]) => ({ color, value: from })),
              },
            }),
      },
      overrides: [],
    },
    options: {},
    ...(isTable
      ? {
          transformations: [
            { id: 'organize', options: { excludeByName: { Time: true, Value: true, __name__: true } } },
          ],
        }
      : {}),
  };
}
