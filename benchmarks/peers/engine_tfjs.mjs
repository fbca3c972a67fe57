/**
 * The side of @tensorflow/tfjs in the engine benchmark: its wasm and its plain backend, from the folder BALLAST_TFJS.
 * Reads one JSON request a line on standard input and answers each with one line (see benchmarks/support/peer.ts).
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.env.BALLAST_TFJS, 'package.json'));
// What the packages say on loading must not mix with the answers.
console.log = console.info = console.warn = console.error;
const tf = require('@tensorflow/tfjs');

const backends = { plain: 'cpu' };
try {
  require('@tensorflow/tfjs-backend-wasm').setThreadsCount(1);
  backends.wasm = 'wasm';
} catch {
  // Without the package there is the plain backend only.
}

let variables = [];

function weights(shape, fanIn) {
  const variable = tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / fanIn)));
  variables.push(variable);
  return variable;
}

function dense(width, out, activate, dropout) {
  const [w, bias] = [weights([width, out], width), tf.variable(tf.zeros([out]))];
  variables.push(bias);
  return (x) => {
    const y = tf.add(tf.matMul(x, w), bias);
    if (!activate) return y;
    return dropout > 0 ? tf.dropout(tf.relu(y), dropout) : tf.relu(y);
  };
}

function convolution(channels, out, stride) {
  const [w, bias] = [weights([3, 3, channels, out], 9 * channels), tf.variable(tf.zeros([out]))];
  variables.push(bias);
  return (x) => tf.relu(tf.add(tf.conv2d(x, w, stride, 'same'), bias));
}

/** The network's layers, or undefined where this script has no such layer. */
function network({ model, input, outputs, dropout }) {
  const layers = [];
  let [height, width, channels] = [1, 1, input.shape[0]];
  if (model.type === 'cnn') [channels, height, width] = input.shape;
  const flat = (x) => x.reshape([x.shape[0], -1]);
  const declared = model.type === 'mlp' ? model.hidden.map((size) => ({ dense: size })) : (model.layers ?? [{}]);
  for (const layer of declared) {
    if ('conv' in layer) {
      const { conv, stride = 1 } = layer;
      layers.push(convolution(channels, conv, stride));
      [channels, height, width] = [conv, Math.ceil(height / stride), Math.ceil(width / stride)];
    } else if ('pool' in layer) {
      layers.push((x) => tf.maxPool(x, layer.pool, layer.pool, 'valid'));
      [height, width] = [Math.floor(height / layer.pool), Math.floor(width / layer.pool)];
    } else if ('dense' in layer) {
      layers.push(flat, dense(channels * height * width, layer.dense, true, dropout));
      [channels, height, width] = [layer.dense, 1, 1];
    } else return undefined;
  }
  layers.push(flat, dense(channels * height * width, outputs, false, 0));
  return (x) => layers.reduce((value, layer) => layer(value), x);
}

let steps = {};

async function prepare(subject) {
  steps = {};
  for (const [name, backend] of Object.entries(backends)) {
    await tf.setBackend(backend);
    await tf.ready();
    variables = [];
    const forward = network(subject);
    if (forward === undefined) continue;
    const { input, batchSize, outputs } = subject;
    const shape = input.shape.length === 3 ? [...input.shape.slice(1), input.shape[0]] : input.shape;
    const x = tf.randomNormal([batchSize, ...shape]);
    const labels = tf.oneHot(
      Array.from({ length: batchSize }, (_, i) => i % outputs),
      outputs,
    );
    const optimizer = subject.optimizer === 'sgd' ? tf.train.momentum(1e-3, 0.9) : tf.train.adam(1e-3);
    const own = variables;
    const step = () => {
      const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, forward(x)).asScalar(), true, own);
      loss.dataSync();
      loss.dispose();
    };
    try {
      step();
      steps[name] = { backend, step };
    } catch {
      // The wasm backend has no gradient of convolutions.
    }
  }
  return Object.keys(steps);
}

async function answer(request) {
  if (request.do === 'hello') return { name: `@tensorflow/tfjs ${tf.version.tfjs}` };
  if (request.do === 'prepare') return { variants: await prepare(request.case) };
  const { backend, step } = steps[request.variant];
  await tf.setBackend(backend);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < request.steps; i++) step();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1000 };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
