import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/real-server.js';

export interface Mlserver {
  /** Name and version. */
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

const PYTHON = process.env.BALLAST_MLSERVER_PYTHON ?? '';

/**
 * Seldon's MLServer with the model as `net`; undefined where it is not installed.
 *
 * @param processes `one`, with none of the cost between processes, or as it comes: the model in a process of its own, as ours are
 */
export async function startMlserver(
  folder: string,
  model: Uint8Array,
  processes: 'one' | 'as it comes',
): Promise<Mlserver | undefined> {
  const version =
    'import mlserver, onnxruntime; print(f"MLServer {mlserver.__version__}, onnxruntime {onnxruntime.__version__}")';
  const found = PYTHON === '' ? undefined : spawnSync(PYTHON, ['-c', version], { encoding: 'utf8' });
  if (found?.status !== 0) return undefined;
  const home = join(folder, `mlserver ${processes}`);
  const file = join(home, 'net', 'model.onnx');
  await mkdir(join(home, 'net'), { recursive: true });
  await writeFile(file, model);
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const settings = { debug: false, host: '127.0.0.1', http_port: http, grpc_port: grpc, metrics_port: metrics };
  const workers = processes === 'one' ? { parallel_workers: 0 } : {};
  await writeFile(join(home, 'settings.json'), JSON.stringify({ ...settings, ...workers }));
  const implementation = 'serving_mlserver.OnnxModel';
  const described = { name: 'net', implementation, parameters: { uri: file } };
  await writeFile(join(home, 'net', 'model-settings.json'), JSON.stringify(described));
  const child = spawn(PYTHON, ['-m', 'mlserver.cli.main', 'start', home], {
    stdio: 'ignore',
    env: { ...process.env, PYTHONPATH: import.meta.dirname, OMP_NUM_THREADS: '1' },
  });
  const url = `http://127.0.0.1:${http}`;
  for (let i = 0; i < 300 && child.exitCode === null; i++) {
    const ready = await fetch(`${url}/v2/models/net/ready`).catch(() => undefined);
    if (ready?.ok === true)
      return {
        name: `${found.stdout.trim()}, ${processes === 'one' ? 'one process' : processes}`,
        url,
        process: child,
      };
    await sleep(200);
  }
  child.kill('SIGKILL');
  throw new Error('MLServer is installed and does not become ready');
}
