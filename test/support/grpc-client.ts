import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { credentials, Metadata, makeClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { GRPCInferenceService } from '../../src/server/inference/grpc/inference_pb.js';
import { definitionOf } from '../../src/server/inference/grpc/server.js';

type Methods = (typeof GRPCInferenceService)['method'];

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Ms. */
  readonly timeoutMs?: number;
}

/** grpc-js's own client of the inference service. */
export interface GrpcClient {
  call<Name extends keyof Methods>(
    name: Name,
    request: MessageInitShape<Methods[Name]['input']>,
    options?: CallOptions,
  ): Promise<MessageShape<Methods[Name]['output']>>;
  close(): void;
}

type Unary = (
  request: unknown,
  metadata: Metadata,
  options: { deadline?: number },
  reply: (error: ServiceError | null, answer: unknown) => void,
) => void;

export function grpcClient(address: string): GrpcClient {
  const client = new (makeClientConstructor(definitionOf(GRPCInferenceService), 'inference'))(
    address,
    credentials.createInsecure(),
  );
  return {
    call: (name, request, { headers = {}, timeoutMs } = {}) => {
      const method: DescMethodUnary = GRPCInferenceService.method[name];
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
      const send = (client[method.name] as unknown as Unary).bind(client);
      return new Promise((resolve, reject) => {
        const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
        send(
          create(method.input, request as MessageInitShape<typeof method.input>),
          metadata,
          options,
          (error, answer) => {
            if (error === null) resolve(answer as never);
            else reject(error);
          },
        );
      });
    },
    close: () => client.close(),
  };
}
