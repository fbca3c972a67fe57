import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { BallastError } from '../../../errors.js';
import type { Caller } from '../../access.js';
import type { Credentials } from '../../auth/authenticate.js';
import type { InferenceEndpoint } from '../endpoint.js';
import type { GRPCInferenceService, ModelMetadataResponse_TensorMetadataSchema } from './inference_pb.js';
import { dataOf, messageOf, requestOf } from './messages.js';

/** What a call says beside its message. */
export interface Call {
  readonly headers: Credentials['headers'] & Readonly<Record<string, string | undefined>>;
  /** Of the client, without its port. */
  readonly address: string;
  /** When the client stops waiting, ms since the epoch; infinite where it does not say. */
  readonly deadline: number;
  /** Who calls. @throws BallastError `UNAUTHENTICATED`, `TOO_MANY_FAILURES` */
  readonly caller: () => Promise<Caller>;
}

type Methods = (typeof GRPCInferenceService)['method'];

/** What answers each call of the service. */
export type Handlers = {
  readonly [Name in keyof Methods]: (
    request: MessageShape<Methods[Name]['input']>,
    call: Call,
  ) => Promise<MessageInitShape<Methods[Name]['output']>>;
};

/** Translates the calls of the protocol for the one endpoint. */
export function handlers(endpoint: InferenceEndpoint): Handlers {
  return {
    serverLive: async () => ({ live: true }),
    serverReady: async () => ({ ready: endpoint.ready }),
    modelReady: async ({ name, version }) => ({ ready: endpoint.modelReady(name, given(version)) }),
    async serverMetadata(_request, { caller }) {
      await caller();
      const { name, version, extensions } = endpoint.server;
      return { name, version, extensions: [...extensions] };
    },
    async modelMetadata({ name, version }, { caller }) {
      const told = await endpoint.describe(await caller(), name, given(version));
      return {
        ...{ name: told.name, versions: [...told.versions], platform: told.platform },
        ...{ inputs: told.inputs.map(portOf), outputs: told.outputs.map(portOf) },
        properties: { ...told.parameters },
      };
    },
    async modelInfer(message, { caller, address, headers, deadline }) {
      const { answer } = await endpoint.infer(await caller(), address, message.modelName, () => ({
        version: given(message.modelVersion) ?? headers['x-ballast-version'],
        request: requestOf(message),
        rawData: dataOf(message),
        headers,
        ...(Number.isFinite(deadline) ? { timeoutMs: deadline - Date.now() } : {}),
      }));
      return messageOf(message, answer);
    },
    async repositoryIndex({ ready }, { caller }) {
      return { models: await endpoint.index(await caller(), ready) };
    },
    async repositoryModelLoad({ modelName, parameters }, { caller }) {
      const { reference, ...others } = parameters;
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) throw notTaken(unknown);
      if (reference !== undefined && reference.parameterChoice.case !== 'stringParam') throw notTaken('reference');
      await endpoint.load(await caller(), modelName, reference?.parameterChoice.value as string | undefined);
      return {};
    },
    async repositoryModelUnload({ modelName, parameters }, { caller }) {
      const unknown = Object.keys(parameters).find((name) => name !== 'unload_dependents');
      if (unknown !== undefined) throw notTaken(unknown);
      await endpoint.unload(await caller(), modelName);
      return {};
    },
  };
}

/** A text of a message is empty where it was not given. */
const given = (text: string): string | undefined => (text === '' ? undefined : text);

function portOf(port: {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}): MessageInitShape<typeof ModelMetadataResponse_TensorMetadataSchema> {
  return { name: port.name, datatype: port.datatype, shape: port.shape.map(BigInt) };
}

function notTaken(parameter: string): BallastError {
  return new BallastError('The request is not one that this server takes', {
    code: 'REQUEST_INVALID',
    place: `parameters.${parameter}`,
    remedy: 'The parameter reference, a text, may say NAME@ALIAS or NAME/VERSION.',
  });
}
