import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { chartStyles } from '../../charts/index.js';
import { BallastError } from '../../errors.js';
import { coursePlot, frontPlots, importancePlot, responsePlots } from '../../reports/plots/sweep.js';
import { type SweepReportInput, sweepReportInput } from '../../reports/sweep-report-input.js';
import type { Store, StoredSweep, StoredTrial } from '../../store/index.js';
import { openDefinition, type SweepDefinition } from '../../tuning/sweep/definition.js';
import type { TrialProgress } from '../../tuning/sweep/outcome.js';
import type { SweepResult } from '../../tuning/sweep/result.js';
import { stopSweep } from '../../tuning/sweep/stop-sweep.js';
import type { Caller, Permission } from '../access.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

const asked = z.object({ experiment: z.coerce.number().int().min(0).optional() });
const told = z.strictObject({ reason: z.string().trim().min(1, 'say why, for the record').max(1000) });

/** Sweeps, finished or at work; below `/api/v1`. */
export async function sweepsApi(app: FastifyInstance): Promise<void> {
  app.get('/sweeps', async (request) => {
    const caller = await callerOf(request);
    const { experiment } = parseRequest(asked, request.query);
    const sweeps = await caller.store.listSweeps();
    const trials = await caller.store.countTrials(sweeps.map(({ id }) => id));
    const shown = [];
    for (const sweep of sweeps) {
      const { counts = {}, runId } = trials.get(sweep.id) ?? {};
      const experimentId = await experimentOf(caller.store, sweep, runId);
      if (experiment !== undefined && experimentId !== experiment) continue;
      if (await mayRead(caller, experimentId)) shown.push({ ...summary(sweep), experimentId, trials: counts });
    }
    return { sweeps: shown };
  });

  app.get('/sweeps/:id', async (request) => {
    const { sweep, trials, experimentId } = await sweepOf(request, 'read');
    const { definition, space } = openDefinition(sweep.definition as SweepDefinition);
    const { counts, front, importance, trials: reported } = inputOf(sweep, trials);
    const result = sweep.result as SweepResult | undefined;
    const { spec: _, ...best } = result?.best ?? { spec: undefined };
    return {
      ...summary(sweep),
      experimentId,
      trials: counts,
      constraints: definition.constraints,
      parameters: space.parameters.map(({ name, dimension }) => ({
        name,
        log: dimension.kind !== 'choice' && dimension.log,
      })),
      best: result?.best === undefined ? null : best,
      // How many complete trials the best and its correction were worked out from.
      stop: result?.stop ?? null,
      judged: result?.trials.complete ?? 0,
      front,
      importance,
      list: reported.map((trial, i) => ({ ...trial, ...atWork(trials[i]) })),
    };
  });

  app.get('/sweeps/:id/plots', async (request) => {
    const { sweep, trials } = await sweepOf(request, 'read');
    const input = inputOf(sweep, trials);
    return {
      styles: chartStyles(),
      course: listed(coursePlot(input)),
      importance: listed(importancePlot(input)),
      responses: responsePlots(input),
      front: frontPlots(input),
    };
  });

  app.post('/sweeps/:id/stop', async (request) => {
    const { caller, sweep } = await sweepOf(request, 'edit');
    const { reason } = parseRequest(told, request.body);
    return stopSweep(caller.store, sweep.id, reason);
  });
}

async function sweepOf(request: FastifyRequest, permission: Permission) {
  const caller = await callerOf(request);
  const sweep = await caller.store.findSweep((request.params as { id: string }).id);
  const trials = await caller.store.listTrials(sweep.id);
  const runId = trials.find((trial) => trial.runId !== undefined)?.runId;
  const experimentId = await experimentOf(caller.store, sweep, runId);
  if (experimentId === null) caller.requireAdmin();
  else await caller.requireExperiment(experimentId, permission);
  return { caller, sweep, trials, experimentId };
}

/** The experiment that the trials are in: that of one of them, or the one of the sweep's name that they will be in. */
async function experimentOf(store: Store, { name }: StoredSweep, runId: string | undefined): Promise<number | null> {
  if (runId !== undefined) {
    try {
      return await store.experimentOfRun(runId);
    } catch (error) {
      // The run may have been collected since.
      if (!(error instanceof BallastError) || error.code !== 'RUN_NOT_FOUND') throw error;
    }
  }
  return (await store.findExperiment(name))?.id ?? null;
}

async function mayRead(caller: Caller, experimentId: number | null): Promise<boolean> {
  if (experimentId === null) return caller.role === 'admin';
  return (await caller.readable([experimentId])).length > 0;
}

function summary({ id, name, state, seconds, definition, createdAt, endedAt, result }: StoredSweep) {
  const { trials: wanted, objectives } = definition as SweepDefinition;
  const { metric, correctedMetric } = (result as SweepResult | undefined)?.best ?? {};
  return {
    ...{ sweepId: id, name, state, wanted, objectives, seconds },
    ...{ metric: metric ?? null, corrected: correctedMetric?.value ?? null },
    ...{ createdAt: createdAt.toISOString(), endedAt: endedAt?.toISOString() ?? null },
  };
}

function inputOf({ id, definition, result, seconds }: StoredSweep, trials: readonly StoredTrial[]): SweepReportInput {
  const known = result as SweepResult | undefined;
  return sweepReportInput(id, openDefinition(definition as SweepDefinition), trials, { ...known, seconds });
}

/** Of a trial that is not over: who has it, and how far it is. */
function atWork({ state, worker, progress }: StoredTrial): object {
  if (state !== 'running' && state !== 'queued') return {};
  const { reports = [], units = [] } = (progress ?? {}) as Partial<TrialProgress>;
  return { worker: worker ?? null, step: reports.at(-1)?.step ?? null, units: units.length };
}

const listed = (plot: string | undefined): string[] => (plot === undefined ? [] : [plot]);
