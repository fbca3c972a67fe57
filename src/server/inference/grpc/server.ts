import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { BallastError } from '../../../errors.js';
import type { Caller } from '../../access.js';
import { explainAddress } from '../../address.js';
import type { Credentials } from '../../auth/authenticate.js';
import type { InferenceEndpoint } from '../endpoint.js';
import { type Call, type Handlers, handlers } from './handlers.js';
import { GRPCInferenceService } from './inference_pb.js';
import { toServiceError } from './status.js';

export interface GrpcOptions {
  readonly endpoint: InferenceEndpoint;
  /** Who calls. */
  readonly callerOf: (credentials: Credentials) => Promise<Caller>;
  readonly host: string;
  readonly port: number;
  readonly traceCall?: TraceCall;
  /** Told of faults of ours. */
  readonly onFault?: (error: unknown) => void;
}

export interface GrpcServer {
  /** `127.0.0.1:4781` */
  readonly address: string;
  /** Takes no more calls, answers those under way, and ends; after `patienceMs` whatever is left is cut off. */
  stop(patienceMs: number): Promise<void>;
}

/** Told of a call that begins. */
export type TraceCall = (call: {
  readonly service: string;
  readonly method: string;
  /** Empty where the call is of no model. */
  readonly model: string;
  readonly headers: Credentials['headers'];
}) => FinishCall;

/** Told of its end. */
export type FinishCall = (status: number, error: Error | undefined) => void;

/**
 * Speaks the Open Inference Protocol over gRPC, without TLS: a proxy in front has the certificates.
 *
 * @throws BallastError `SERVER_ADDRESS`
 */
export async function startGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const { endpoint, host } = options;
  const server = new Server({
    'grpc.max_receive_message_length': endpoint.limits.bodyBytes,
    'grpc.max_send_message_length': -1,
  });
  server.addService(definitionOf(GRPCInferenceService), implementation(options));
  const at = host.includes(':') ? `[${host}]` : host;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${at}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(explainAddress(error, `${at}:${options.port}`));
    });
  });
  return { address: `${at}:${port}`, stop: (patienceMs) => stop(server, patienceMs) };
}

async function stop(server: Server, patienceMs: number): Promise<void> {
  const late = setTimeout(() => server.forceShutdown(), patienceMs).unref();
  await new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  clearTimeout(late);
}

/** A service as grpc-js wants it, from its description. */
export function definitionOf(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map(({ name, input, output }) => [
      name,
      {
        path: `/${service.typeName}/${name}`,
        ...{ requestStream: false, responseStream: false },
        requestSerialize: (message: Message) => Buffer.from(toBinary(input, message)),
        requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
        responseSerialize: (message: Message) => Buffer.from(toBinary(output, message)),
        responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
      },
    ]),
  );
}

type Handle = (request: Message, call: Call) => Promise<Record<string, unknown>>;

function implementation(options: GrpcOptions): UntypedServiceImplementation {
  const all = handlers(options.endpoint);
  return Object.fromEntries(
    // Each is given messages of its own method only.
    GRPCInferenceService.methods.map((method) => [
      method.name,
      unary(method, all[method.localName as keyof Handlers] as unknown as Handle, options),
    ]),
  );
}

/** A handler as grpc-js calls it: errors become statuses, and spans are told of. */
function unary(method: DescMethod, handle: Handle, options: GrpcOptions): handleUnaryCall<Message, Message> {
  const { callerOf, traceCall, onFault } = options;
  return (sent, reply) => {
    const call = callOf(sent, callerOf);
    const { name: modelName = '', modelName: model = modelName } = sent.request as {
      name?: string;
      modelName?: string;
    };
    const named = method.localName.startsWith('server') ? '' : model;
    const { headers } = call;
    const finish = traceCall?.({ service: method.parent.typeName, method: method.name, model: named, headers });
    handle(sent.request, call).then(
      (answer) => {
        finish?.(status.OK, undefined);
        reply(null, create(method.output, answer));
      },
      (error: unknown) => {
        const told = toServiceError(error);
        if (!(error instanceof BallastError)) onFault?.(error);
        finish?.(told.code, error instanceof Error ? error : undefined);
        reply(told);
      },
    );
  };
}

function callOf(sent: ServerUnaryCall<Message, Message>, callerOf: GrpcOptions['callerOf']): Call {
  const { metadata } = sent;
  // A value under a name that ends in -bin is bytes: nothing of ours.
  const headers = Object.fromEntries(
    Object.entries(metadata.getMap()).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const address = sent.getPeer().replace(/:\d+$/, '');
  return {
    ...{ headers, address, deadline: Number(sent.getDeadline()) },
    caller: () => callerOf({ headers, ip: address }),
  };
}
