import { contourPlot, lineChart } from '../../charts/index.js';
import type { LossBetween, LossCurve, LossGrid } from '../../evaluation/landscape/scan.js';

/** Loss along random directions, one line each: an SVG file. */
export function lossCurvePlot(curves: readonly LossCurve[], subtitle: string): string {
  return lineChart({
    title: 'Loss along random directions',
    subtitle,
    series: curves.map(({ points }, i) => ({
      name: `direction ${i + 1}`,
      points: points.map(({ at, loss }) => ({ x: at, y: loss })),
    })),
    x: { label: 'distance, in lengths of each filter' },
    y: { label: 'loss' },
    rules: [{ x: 0, label: 'the model' }],
    names: 'legend',
    width: 520,
    height: 340,
  });
}

/** Loss on the line between two models: an SVG file. */
export function lossBetweenPlot({ points }: LossBetween, subtitle: string): string {
  return lineChart({
    title: 'Loss between two models',
    subtitle,
    series: [{ name: 'loss', points: points.map(({ at, loss }) => ({ x: at, y: loss })) }],
    x: { label: 'share of the second model' },
    y: { label: 'loss' },
    rules: [
      { x: 0, label: 'first' },
      { x: 1, label: 'second' },
    ],
    width: 520,
    height: 340,
  });
}

/** The loss over a plane of two random directions around a model of loss `own`, from above: an SVG file. */
export function lossSurfacePlot({ at, loss }: LossGrid, own: number, subtitle: string): string {
  return contourPlot({
    title: 'Loss surface',
    subtitle,
    xs: at,
    ys: at,
    values: loss,
    valueLabel: 'loss',
    x: { label: 'first direction, in lengths of each filter' },
    y: { label: 'second direction' },
    mark: { x: 0, y: 0, label: `the model: loss ${own.toFixed(4)}` },
    width: 520,
  });
}
