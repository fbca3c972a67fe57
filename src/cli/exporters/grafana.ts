import { type Command, Option } from 'commander';
import { grafanaDashboard } from '../../monitoring/export/grafana.js';
import { GRAFANA_DASHBOARDS, type GrafanaDashboard } from '../../monitoring/export/grafana-panels.js';
import type { Exporter, ExportOptions } from './exporter.js';

interface GrafanaOptions extends ExportOptions {
  dashboard: GrafanaDashboard;
}

export const grafana: Exporter<GrafanaOptions> = {
  summary: 'a Grafana dashboard over the series of /metrics: of all models, or opened on one',
  example: 'ballast export grafana --dashboard on-call --out on-call.json',
  argument: '[model]',
  options(command: Command) {
    command.addOption(
      new Option('--dashboard <which>', 'which of the three').choices(GRAFANA_DASHBOARDS).default('executive'),
    );
  },
  async render(_store, model, { dashboard }) {
    return `${JSON.stringify(grafanaDashboard(dashboard, model), null, 2)}\n`;
  },
};
