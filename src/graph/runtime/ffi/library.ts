import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';
import { BallastError } from '../../../errors.js';
import { libraryPath } from '../package.js';

/**
 * ONNX Runtime's C API (onnxruntime_c_api.h): `OrtGetApiBase()` gives a struct of function pointers that only ever
 * grows at its end, so that a function keeps its index from the version that introduced it. Every index below exists
 * since API version 11.
 */

/** A native address; NULL is `null` where koffi returns it and `0n` where it is read from memory. */
export type Pointer = bigint;
/** What stands for a `T *` argument: an address, or JS memory that koffi passes without copying it. */
export type Address = Pointer | ArrayBufferView | null;
/** `OrtStatus *`: null is success. Whoever gets one releases it. */
export type Status = Pointer | null;

type Call<A extends unknown[]> = (...args: A) => Status;
type AsyncCall<A extends unknown[]> = KoffiFunc<Call<A>>;
type Release = (object: Pointer) => void;
type NameAt = Call<[session: Pointer, index: number, allocator: Pointer, out: Address]>;
type TypeAt = Call<[session: Pointer, index: number, out: Address]>;
type Getter = Call<[object: Pointer, out: Address]>;

/** The functions that Ballast calls. `out` is memory for one result. */
export interface OrtApi {
  readonly GetErrorCode: (status: Pointer) => number;
  readonly GetErrorMessage: (status: Pointer) => string;
  readonly CreateEnv: Call<[level: number, id: string, out: Address]>;
  readonly DisableTelemetryEvents: Call<[env: Pointer]>;
  readonly CreateSessionFromArray: AsyncCall<
    [env: Pointer, model: Address, length: number, options: Pointer, out: Address]
  >;
  readonly Run: AsyncCall<
    [
      session: Pointer,
      options: Pointer | null,
      inputNames: Address,
      inputs: Address,
      inputCount: number,
      outputNames: Address,
      outputCount: number,
      outputs: Address,
    ]
  >;
  readonly CreateSessionOptions: Call<[out: Address]>;
  readonly SetSessionLogSeverityLevel: Call<[options: Pointer, level: number]>;
  readonly SetSessionGraphOptimizationLevel: Call<[options: Pointer, level: number]>;
  readonly SetIntraOpNumThreads: Call<[options: Pointer, threads: number]>;
  readonly SetInterOpNumThreads: Call<[options: Pointer, threads: number]>;
  readonly SessionGetInputCount: Getter;
  readonly SessionGetOutputCount: Getter;
  readonly SessionGetInputTypeInfo: TypeAt;
  readonly SessionGetOutputTypeInfo: TypeAt;
  readonly SessionGetInputName: NameAt;
  readonly SessionGetOutputName: NameAt;
  readonly CreateRunOptions: Call<[out: Address]>;
  readonly RunOptionsSetTerminate: Call<[options: Pointer]>;
  readonly CreateTensorAsOrtValue: Call<[allocator: Pointer, shape: Address, rank: number, type: number, out: Address]>;
  readonly CreateTensorWithDataAsOrtValue: Call<
    [memory: Pointer, data: Pointer, bytes: number, shape: Address, rank: number, type: number, out: Address]
  >;
  readonly GetTensorMutableData: Getter;
  readonly FillStringTensor: Call<[value: Pointer, strings: Address, count: number]>;
  readonly GetStringTensorDataLength: Getter;
  readonly GetStringTensorContent: Call<
    [value: Pointer, text: Address, bytes: number, offsets: Address, count: number]
  >;
  readonly CastTypeInfoToTensorInfo: Getter;
  readonly GetOnnxTypeFromTypeInfo: Getter;
  readonly GetTensorElementType: Getter;
  readonly GetDimensionsCount: Getter;
  readonly GetDimensions: Call<[info: Pointer, out: Address, rank: number]>;
  readonly GetSymbolicDimensions: Call<[info: Pointer, out: Address, rank: number]>;
  readonly GetTensorTypeAndShape: Getter;
  readonly GetValueType: Getter;
  readonly CreateCpuMemoryInfo: Call<[allocator: number, memory: number, out: Address]>;
  readonly AllocatorFree: Call<[allocator: Pointer, memory: Pointer]>;
  readonly GetAllocatorWithDefaultOptions: Call<[out: Address]>;
  readonly ReleaseStatus: Release;
  readonly ReleaseSession: Release;
  readonly ReleaseValue: Release;
  readonly ReleaseRunOptions: Release;
  readonly ReleaseTypeInfo: Release;
  readonly ReleaseTensorTypeAndShapeInfo: Release;
  readonly ReleaseSessionOptions: Release;
  readonly GetAvailableProviders: Call<[names: Address, count: Address]>;
  readonly ReleaseAvailableProviders: Call<[names: Pointer, count: number]>;
  readonly AddSessionConfigEntry: Call<[options: Pointer, key: string, value: string]>;
  readonly RunWithBinding: AsyncCall<[session: Pointer, options: Pointer | null, binding: Pointer]>;
  readonly CreateIoBinding: Getter;
  readonly ReleaseIoBinding: Release;
  readonly BindInput: Call<[binding: Pointer, name: string, value: Pointer]>;
  readonly BindOutput: Call<[binding: Pointer, name: string, value: Pointer]>;
  readonly SessionOptionsAppendExecutionProvider_CUDA_V2: Call<[options: Pointer, cuda: Pointer]>;
  readonly CreateCUDAProviderOptions: Call<[out: Address]>;
  readonly ReleaseCUDAProviderOptions: Release;
}

/** Index in the struct and the C types of the arguments; the result is `OrtStatus *` unless a third entry says else. */
const FUNCTIONS: Readonly<Record<keyof OrtApi, readonly [index: number, args: string, result?: string]>> = {
  GetErrorCode: [1, 'void*', 'int'],
  GetErrorMessage: [2, 'void*', 'str'],
  CreateEnv: [3, 'int str void*'],
  DisableTelemetryEvents: [6, 'void*'],
  CreateSessionFromArray: [8, 'void* void* size_t void* void*'],
  Run: [9, 'void* void* void* void* size_t void* size_t void*'],
  CreateSessionOptions: [10, 'void*'],
  SetSessionLogSeverityLevel: [22, 'void* int'],
  SetSessionGraphOptimizationLevel: [23, 'void* int'],
  SetIntraOpNumThreads: [24, 'void* int'],
  SetInterOpNumThreads: [25, 'void* int'],
  SessionGetInputCount: [30, 'void* void*'],
  SessionGetOutputCount: [31, 'void* void*'],
  SessionGetInputTypeInfo: [33, 'void* size_t void*'],
  SessionGetOutputTypeInfo: [34, 'void* size_t void*'],
  SessionGetInputName: [36, 'void* size_t void* void*'],
  SessionGetOutputName: [37, 'void* size_t void* void*'],
  CreateRunOptions: [39, 'void*'],
  RunOptionsSetTerminate: [46, 'void*'],
  CreateTensorAsOrtValue: [48, 'void* void* size_t int void*'],
  CreateTensorWithDataAsOrtValue: [49, 'void* void* size_t void* size_t int void*'],
  GetTensorMutableData: [51, 'void* void*'],
  FillStringTensor: [52, 'void* void* size_t'],
  GetStringTensorDataLength: [53, 'void* void*'],
  GetStringTensorContent: [54, 'void* void* size_t void* size_t'],
  CastTypeInfoToTensorInfo: [55, 'void* void*'],
  GetOnnxTypeFromTypeInfo: [56, 'void* void*'],
  GetTensorElementType: [60, 'void* void*'],
  GetDimensionsCount: [61, 'void* void*'],
  GetDimensions: [62, 'void* void* size_t'],
  GetSymbolicDimensions: [63, 'void* void* size_t'],
  GetTensorTypeAndShape: [65, 'void* void*'],
  GetValueType: [67, 'void* void*'],
  CreateCpuMemoryInfo: [69, 'int int void*'],
  AllocatorFree: [76, 'void* void*'],
  GetAllocatorWithDefaultOptions: [78, 'void*'],
  ReleaseStatus: [93, 'void*', 'void'],
  ReleaseSession: [95, 'void*', 'void'],
  ReleaseValue: [96, 'void*', 'void'],
  ReleaseRunOptions: [97, 'void*', 'void'],
  ReleaseTypeInfo: [98, 'void*', 'void'],
  ReleaseTensorTypeAndShapeInfo: [99, 'void*', 'void'],
  ReleaseSessionOptions: [100, 'void*', 'void'],
  GetAvailableProviders: [125, 'void* void*'],
  ReleaseAvailableProviders: [126, 'void* int'],
  AddSessionConfigEntry: [130, 'void* str str'],
  RunWithBinding: [133, 'void* void* void*'],
  CreateIoBinding: [134, 'void* void*'],
  ReleaseIoBinding: [135, 'void*', 'void'],
  BindInput: [136, 'void* str void*'],
  BindOutput: [137, 'void* str void*'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void* void*'],
  CreateCUDAProviderOptions: [205, 'void*'],
  ReleaseCUDAProviderOptions: [208, 'void*', 'void'],
};

const API_VERSION = 11;
const MIB = 1 << 20;

export interface OrtLibrary {
  readonly version: string;
  readonly api: OrtApi;
  /** Referenced for good: koffi unloads a library that is collected, and every function pointer would dangle. */
  readonly handle: LibraryHandle;
}

let loaded: OrtLibrary | undefined;

/** Loads the C library of onnxruntime-node, once per thread of JS. Errors: RUNTIME_MISSING, RUNTIME_INCOMPATIBLE. */
export function loadLibrary(): OrtLibrary {
  loaded ??= load(libraryPath());
  return loaded;
}

function load(path: string): OrtLibrary {
  reserveStacks();
  const handle = koffi.load(path);
  const base: Pointer = handle.func('OrtGetApiBase', 'void*', [])();
  const [getApiAt, getVersionAt] = koffi.decode(base, koffi.array('uint64_t', 2)) as BigUint64Array;
  const getVersion: () => string = koffi.decode(getVersionAt, koffi.proto('str', []));
  const getApi: (version: number) => Pointer | null = koffi.decode(getApiAt, koffi.proto('void*', ['uint32_t']));
  const table = getApi(API_VERSION);
  if (table === null) {
    throw new BallastError(`ONNX Runtime ${getVersion()} does not offer version ${API_VERSION} of its C API`, {
      code: 'RUNTIME_INCOMPATIBLE',
      kind: 'environment',
      place: path,
    });
  }
  const functions = Object.entries(FUNCTIONS).map(([name, [index, args, result = 'void*']]) => {
    const address: Pointer = BigInt(koffi.decode(table, index * 8, 'uint64_t') as number | bigint);
    return [name, koffi.decode(address, koffi.proto(result, args.split(' ')))];
  });
  return { version: getVersion(), api: Object.fromEntries(functions) as OrtApi, handle };
}

/**
 * koffi runs native code on stacks of its own; its 128 KiB for asynchronous calls is little for graph optimization and
 * nested subgraphs. Only pages that are touched cost memory.
 */
function reserveStacks(): void {
  const { sync_stack_size: sync = 0, async_stack_size: async = 0 } = koffi.config();
  if (sync >= 8 * MIB && async >= 8 * MIB) return;
  koffi.config({ ...koffi.config(), sync_stack_size: 8 * MIB, async_stack_size: 8 * MIB });
}
