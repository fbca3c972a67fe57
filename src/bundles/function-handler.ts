/**
 * The program of a function: it knows the plain runtime and nothing of Ballast. An event is a request of the Open Inference
 * Protocol, or what a gateway makes of one (its `body`, in base64 where it says so). The model is loaded while the function
 * starts, so that the first request does not pay for it twice.
 *
 * @param model path of the model file beside the program
 */
export function handlerSource(model: string): string {
  return `import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';

const session = await ort.InferenceSession.create(fileURLToPath(new URL(${JSON.stringify(`./${model}`)}, import.meta.url)), {
  intraOpNumThreads: Number(process.env.BALLAST_THREADS ?? 1),
  logSeverityLevel: 3,
});

const TYPES = {
  FP32: ['float32', Float32Array], FP64: ['float64', Float64Array], BOOL: ['bool', Uint8Array], BYTES: ['string', Array],
  INT8: ['int8', Int8Array], INT16: ['int16', Int16Array], INT32: ['int32', Int32Array], INT64: ['int64', BigInt64Array],
  UINT8: ['uint8', Uint8Array], UINT16: ['uint16', Uint16Array], UINT32: ['uint32', Uint32Array],
};
const NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, [type]]) => [type, name]));

class BadRequest extends Error {}

function tensorOf({ name, datatype, shape, data }) {
  const known = Object.hasOwn(TYPES, datatype) ? TYPES[datatype] : undefined;
  if (known === undefined) throw new BadRequest('input "' + name + '": no datatype ' + datatype);
  if (!Array.isArray(data) || !Array.isArray(shape)) throw new BadRequest('input "' + name + '": shape and data are arrays');
  const [type, Kind] = known;
  const flat = data.flat(Infinity);
  if (flat.length !== shape.reduce((size, extent) => size * extent, 1)) {
    throw new BadRequest('input "' + name + '": ' + flat.length + ' values do not fill [' + shape + ']');
  }
  const read = type === 'int64' ? (value) => BigInt(value) : Kind === Float32Array || Kind === Float64Array
    ? (value) => value ?? NaN : (value) => value;
  return new ort.Tensor(type, Kind === Array ? flat.map(String) : Kind.from(flat, read), shape);
}

async function answer(request) {
  if (!Array.isArray(request?.inputs)) throw new BadRequest('the request has no inputs');
  const given = request.inputs.map((input) => input?.name);
  const wrong = session.inputNames.filter((name) => !given.includes(name));
  if (wrong.length > 0 || given.length !== session.inputNames.length) {
    throw new BadRequest('the inputs are ' + session.inputNames.join(', '));
  }
  const feeds = Object.fromEntries(request.inputs.map((input) => [input.name, tensorOf(input)]));
  const found = await session.run(feeds);
  const outputs = Object.entries(found).map(([name, { type, dims, data }]) => ({
    name, datatype: NAMES[type] ?? type, shape: dims, data: Array.from(data, (value) => (typeof value === 'bigint' ? Number(value) : value)),
  }));
  return { ...(request.id === undefined ? {} : { id: request.id }), outputs };
}

export async function handler(event) {
  if (event?.body === undefined) return answer(event);
  const reply = (statusCode, body) => ({
    statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  try {
    const text = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString('utf8') : event.body;
    return reply(200, await answer(JSON.parse(text)));
  } catch (error) {
    // What the runtime refuses is a shape or a type that the model does not take.
    return reply(400, { error: error instanceof Error ? error.message : String(error) });
  }
}
`;
}
