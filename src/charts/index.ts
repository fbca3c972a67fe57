/** Charts: data in, SVG out. Pure functions without a DOM, for reports on disk and for pages in a browser alike. */

export { type BarChartOptions, type BarSeries, barChart } from './bar-chart.js';
export { type ConfusionOptions, confusionMatrix } from './confusion-matrix.js';
export { type ContourOptions, contourPlot } from './contour-plot.js';
export { CHART_HEIGHT, CHART_WIDTH, type ChartOptions } from './frame.js';
export { type HistogramOptions, type HistogramSeries, histogram } from './histogram.js';
export { type IntervalPlotOptions, type IntervalSeries, intervalPlot } from './interval-plot.js';
export { type LedgerChartOptions, type LedgerStage, ledgerChart } from './ledger-chart.js';
export { type LineChartOptions, type LinePoint, type LineSeries, lineChart } from './line-chart.js';
export { type Attributes, type Child, element, escapeText, fragment, Markup, verbatim } from './markup.js';
export { formatBytes, formatNumber, formatSeconds, formatSigned, type NumberFormat } from './number-format.js';
export { type ParetoOptions, type ParetoPoint, paretoPlot } from './pareto-plot.js';
export { type ReliabilityBin, type ReliabilityOptions, reliabilityDiagram } from './reliability-diagram.js';
export type { AxisOptions } from './scale.js';
export { type ScatterOptions, type ScatterPoint, scatter } from './scatter.js';
export { type ChartTheme, chartStyles, type Dash, PALETTE, TONES, type Tone } from './theme.js';
