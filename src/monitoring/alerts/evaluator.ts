import type { Store } from '../../store/index.js';
import { DriftWatch } from '../slo/drift-watch.js';
import { deliver } from './deliver.js';
import { evaluateAlerts } from './evaluate-alerts.js';
import { targetUrl } from './post-json.js';
import { type AlertTarget, alertmanager, webhook } from './targets.js';

export interface EvaluatorOptions {
  /** Base URLs. */
  readonly alertmanagers?: readonly string[];
  readonly webhooks?: readonly string[];
  /** Signs what webhooks are sent. */
  readonly secret?: string;
  readonly allowPrivate?: boolean;
  /** Where the dashboard is, for links. */
  readonly page?: string;
  /** Default a minute. */
  readonly everyMs?: number;
  /** Told of targets that fail, once each time they begin to, and of faults of ours. */
  readonly onFault?: (error: unknown) => void;
}

export interface AlertEvaluator {
  /** Judges and tells now, whosever turn it is. */
  once(): Promise<void>;
  /** Ends after what is under way. */
  stop(): Promise<void>;
}

const MINUTE = 60_000;

/**
 * Judges alerts every minute and tells them: to every Alertmanager and webhook that is named, and to a model's own on-call route
 * where that is a URL. Of several processes over one store, one does it at a time.
 *
 * @throws BallastError `TARGET_INVALID`
 */
export function startAlertEvaluator(store: Store, options: EvaluatorOptions): AlertEvaluator {
  const { alertmanagers = [], webhooks = [], everyMs = MINUTE, onFault = () => undefined } = options;
  for (const url of [...alertmanagers, ...webhooks]) targetUrl(url);
  const shared = {
    ...(options.allowPrivate === undefined ? {} : { allowPrivate: options.allowPrivate }),
    ...(options.page === undefined ? {} : { page: options.page }),
  };
  const signed = { ...shared, ...(options.secret === undefined ? {} : { secret: options.secret }) };
  const everyone: AlertTarget[] = [
    ...alertmanagers.map((url) => alertmanager(url, shared)),
    ...webhooks.map((url) => webhook(url, signed)),
  ];
  const failing = new Set<string>();
  const drift = new DriftWatch(store);

  const once = async (): Promise<void> => {
    const now = Date.now();
    const { alerts } = await evaluateAlerts(store, { now, drift });
    const routes = byRoute(alerts);
    const faults = await deliver(store, alerts, everyone, now);
    for (const [url, of] of routes) faults.push(...(await deliver(store, of, [webhook(url, signed)], now)));
    for (const { target, error } of faults) if (!failing.has(target)) onFault(error);
    failing.clear();
    for (const { target } of faults) failing.add(target);
  };

  let running = Promise.resolve();
  const tick = (): void => {
    running = running.then(async () => {
      try {
        // A little less than the interval: timers are never early, but clocks of several machines differ.
        if (await store.takeTurn('alerts', everyMs * 0.9)) await once();
      } catch (error) {
        onFault(error);
      }
    });
  };
  const timer = setInterval(tick, everyMs).unref();
  tick();
  return {
    once,
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

/** Alerts by the on-call route of their model, where that is a URL. */
function byRoute<Alert extends { readonly labels: Readonly<Record<string, string>> }>(
  alerts: readonly Alert[],
): Map<string, Alert[]> {
  const routes = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const route = alert.labels.on_call;
    if (!/^https?:\/\//.test(route) || !URL.canParse(route)) continue;
    routes.set(route, [...(routes.get(route) ?? []), alert]);
  }
  return routes;
}
