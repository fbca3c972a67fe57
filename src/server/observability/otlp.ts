import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { otlpMetrics } from '../../monitoring/export/otlp-metrics.js';
import { Telemetry, type TelemetryOptions } from '../../monitoring/export/telemetry.js';
import type { Store } from '../../store/index.js';
import type { FinishCall, TraceCall } from '../inference/grpc/server.js';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface OtlpOptions extends TelemetryOptions {
  readonly store: Store;
  /** Base URL of a collector, such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  /** Of metrics, and of spans at the latest; default 15 s. */
  readonly everyMs?: number;
  /** Told once when a collector cannot be reached, until it can. */
  readonly onFault?: (error: unknown) => void;
}

/** How long the end of a server waits for what is not sent yet. */
const FLUSH_MS = 3000;

/**
 * Sends a span for every request and the series of `/metrics` to an OpenTelemetry collector (OTLP over HTTP, JSON). Spans go on
 * from the caller's `traceparent`. A collector that is away costs spans, never requests.
 *
 * @returns what makes the spans of calls over gRPC, which the hooks of `app` do not see
 */
export function exportOtlp(app: FastifyInstance, options: OtlpOptions): TraceCall {
  const { store, endpoint, everyMs = 15_000, onFault = () => undefined } = options;
  const resource = resourceFromAttributes({ 'service.name': 'ballast', 'service.instance.id': String(process.pid) });
  const base = endpoint.replace(/\/+$/, '');
  let isTold = false;
  const tell = (message: string): void => {
    if (isTold) return;
    isTold = true;
    onFault(new Error(`telemetry is not sent to ${base}: ${message}`));
  };
  diag.setLogger(
    { error: tell, warn: () => undefined, info: () => undefined, debug: () => undefined, verbose: () => undefined },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const traces = new NodeTracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${base}/v1/traces` }), {
        scheduledDelayMillis: Math.min(everyMs, 5000),
      }),
    ],
  });
  const telemetry = new Telemetry(store, options);
  const since = Date.now();
  const metrics = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics` }),
        exportIntervalMillis: everyMs,
        exportTimeoutMillis: Math.min(everyMs, 10_000),
        metricProducers: [
          {
            async collect() {
              const now = Date.now();
              return otlpMetrics(await telemetry.families(now), { resource, since, now });
            },
          },
        ],
      }),
    ],
  });
  const tracer = traces.getTracer('ballast');
  traceRequests(app, tracer);
  app.addHook('onClose', async () => {
    const late = new Promise<void>((resolve) => {
      setTimeout(resolve, FLUSH_MS).unref();
    });
    await Promise.race([Promise.allSettled([traces.shutdown(), metrics.shutdown()]), late]);
  });
  return (call) => traceCall(tracer, call);
}

const TRACE_CONTEXT = new W3CTraceContextPropagator();

function traceRequests(app: FastifyInstance, tracer: Tracer): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? 'not found';
    const { model, name, version } = request.params as Readonly<Record<string, string | undefined>>;
    const named = model ?? (/\/models\/:(name|model)/.test(route) ? name : undefined);
    const span = tracer.startSpan(
      `${request.method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': request.method,
          'http.route': route,
          'url.path': request.url.split('?')[0],
          ...(named === undefined ? {} : { 'ballast.model': named }),
          ...(version === undefined ? {} : { 'ballast.version': version }),
        },
      },
      parentOf(request.headers),
    );
    spans.set(request, span);
  });
  app.addHook('onError', async (request, _reply, error) => {
    spans.get(request)?.recordException(error);
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  });
}

/** By the semantic conventions of OpenTelemetry for gRPC. */
function traceCall(tracer: Tracer, { service, method, model, headers }: Parameters<TraceCall>[0]): FinishCall {
  const span = tracer.startSpan(
    `${service}/${method}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        ...{ 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method },
        ...(model === '' ? {} : { 'ballast.model': model }),
      },
    },
    parentOf(headers),
  );
  return (status, error) => {
    span.setAttribute('rpc.grpc.status_code', status);
    if (error !== undefined) span.recordException(error);
    if (SERVER_FAULTS.has(status)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
}

/** Those that the conventions count as errors of the server: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const SERVER_FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** The span that the caller was in. */
function parentOf(headers: Headers): Context {
  return TRACE_CONTEXT.extract(ROOT_CONTEXT, headers, {
    get: (carrier: Headers, key) => carrier[key] as string | string[] | undefined,
    keys: (carrier: Headers) => Object.keys(carrier),
  });
}
