import { type Slo, sloOptions } from '../../spec/slo-options.js';

/** What is promised of a model for which nobody wrote objectives: by its task and by what is at stake. */
type Criticality = 'low' | 'medium' | 'high' | 'safety';

interface Promise {
  readonly availability: number;
  /** Within how many ms nearly all answers come, and how many. */
  readonly latency: readonly [withinMs: number, share: number];
  readonly ece: number;
}

const PROMISES: Readonly<Record<Criticality, Promise>> = {
  low: { availability: 0.99, latency: [1000, 0.95], ece: 0.1 },
  medium: { availability: 0.995, latency: [500, 0.99], ece: 0.05 },
  high: { availability: 0.999, latency: [250, 0.99], ece: 0.05 },
  safety: { availability: 0.9995, latency: [100, 0.999], ece: 0.03 },
};

/** How far below its holdout accuracy production may be: points lost. */
const ALLOWED_GAP: Readonly<Record<Criticality, number>> = { low: 0.05, medium: 0.03, high: 0.02, safety: 0.01 };

export interface DefaultsFor {
  readonly task: 'classification' | 'regression' | undefined;
  readonly criticality: Criticality | undefined;
  /** Accuracy on the holdout: what production is measured against. */
  readonly accuracy?: number;
}

/** Default objectives; those of correctness and calibration are a classifier's. Criticality is medium where it is not set. */
export function defaultSlos({ task, criticality = 'medium', accuracy }: DefaultsFor): Slo[] {
  const { availability, latency, ece } = PROMISES[criticality];
  const slos: unknown[] = [
    { name: 'availability', sli: { type: 'availability' }, objective: availability },
    { name: 'latency', sli: { type: 'latency', withinMs: latency[0] }, objective: latency[1] },
    { name: 'drift', sli: { type: 'drift' }, objective: 0.9 },
  ];
  if (task === 'classification') {
    slos.push({ name: 'calibration', sli: { type: 'calibration', ece }, objective: 0.95 });
    const promised = accuracy === undefined ? undefined : accuracy - ALLOWED_GAP[criticality];
    if (promised !== undefined && promised > 0 && promised < 1) {
      slos.push({ name: 'correctness', sli: { type: 'correctness' }, objective: Number(promised.toFixed(4)) });
    }
  }
  return slos.map((slo) => sloOptions.parse(slo));
}
