import { reliabilityDiagram } from '../../charts/index.js';
import type { CalibrationReport } from '../../evaluation/calibrators/report.js';
import { figureText } from '../metric-display.js';

/** Reliability before and after, side by side: one SVG file. */
export function calibrationPlot({ method, before, after, reliability }: CalibrationReport): string {
  const WIDTH = 420;
  const [first, second] = (
    [
      ['before', before.ece, reliability.before, 'orange'],
      [`after ${method} (cross-fitted)`, after.ece, reliability.after, 'blue'],
    ] as const
  ).map(([title, ece, bins, tone]) =>
    reliabilityDiagram({
      title: `Reliability ${title}`,
      subtitle: ece === undefined ? '' : `expected calibration error ${figureText('ece', ece)}`,
      bins,
      tone,
      width: WIDTH,
      standalone: true,
      // Readers of a file on disk may know no CSS variables.
      theme: 'light',
    }),
  );
  const height = Math.max(...[first, second].map((svg) => Number(/height="(\d+(?:\.\d+)?)"/.exec(svg)?.[1] ?? 0)));
  const placed = (svg: string, x: number): string => svg.replace('<svg', `<svg x="${x}" y="0"`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * WIDTH}" height="${height}" viewBox="0 0 ${2 * WIDTH} ${height}">${placed(first, 0)}${placed(second, WIDTH)}</svg>\n`;
}
