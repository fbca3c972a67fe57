import type { ReactNode } from 'react';
import { percent } from '../format.js';
import { linkTo } from '../router.js';
import type { Line } from './chart.js';

/** What the server tells of an objective. */
export interface Promised {
  readonly slo: { readonly name: string; readonly objective: number; readonly window: string; readonly stage: string };
  readonly state: 'met' | 'breached' | 'pending' | 'no-data';
  readonly attained?: { readonly value: number };
  readonly budget: { readonly remaining: number };
  readonly coverage: number;
  readonly burn: readonly {
    readonly severity: string;
    readonly factor: number;
    readonly longMs: number;
    readonly longBurn: number;
    readonly fires: boolean;
    readonly held?: string;
  }[];
}

/** Where a model comes from, and who answers for it. */
export interface Origin {
  readonly model: string;
  readonly version: number | null;
  readonly commit: string | null;
  readonly regularizerId: string | null;
  readonly runId: string | null;
  readonly owner: string | null;
}

export interface Moment {
  readonly at: number;
  readonly requests: number;
  readonly failedShare?: number;
  readonly wrongShare?: number;
  readonly p99Ms?: number;
  readonly ece?: number;
  readonly costPer1000?: number;
  readonly utilization: number;
  readonly sliceGap?: number;
}

export interface Canary {
  readonly version: string;
  readonly failed: { readonly value: number; readonly low: number } | null;
  readonly wrong: { readonly value: number; readonly low: number } | null;
}

export const STATES: Readonly<Record<Promised['state'], string>> = {
  met: '✓ kept',
  breached: '✗ broken',
  pending: '… waits for labels',
  'no-data': '– no data',
};

/** One figure over time; moments without it are gaps. */
export function lineOf(moments: readonly Moment[], name: string, of: (moment: Moment) => number | undefined): Line {
  return { name, points: moments.map((moment) => [moment.at, of(moment) ?? 'none'] as const) };
}

/** Lineage and commit, as they stand on every page. */
export function OriginLine({ model, version, commit, regularizerId, runId, owner }: Origin): ReactNode {
  return (
    <p className="quiet">
      {version === null ? (
        'not registered: version, commit and regularizers are not known'
      ) : (
        <>
          <a href={linkTo(['models', model, version])}>version {version} and its lineage</a>, commit{' '}
          {commit?.slice(0, 10) ?? 'not known'}, {regularizerId ?? 'regularizers not recorded'}, owner{' '}
          {owner ?? 'nobody'}
          {runId !== null && (
            <>
              , <a href={linkTo(['experiments', 0, 'runs', runId])}>its run</a>
            </>
          )}
        </>
      )}
    </p>
  );
}

export function canaryText(canary: Canary | null): string {
  if (canary === null) return 'no canary';
  const part = (name: string, delta: Canary['failed']): string =>
    delta === null
      ? `${name}: too few yet`
      : `${name}: ${delta.value >= 0 ? '+' : ''}${percent(delta.value)}, at least ${percent(delta.low)}`;
  return `version ${canary.version}: ${part('failed', canary.failed)}; ${part('wrong', canary.wrong)}`;
}
