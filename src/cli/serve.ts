import { Command } from 'commander';
import { startServer } from '../server/server.js';
import { openStore } from '../store/open-store.js';
import { wholeNumber } from './option-values.js';
import { type CommonOptions, note, withCommonOptions } from './output.js';

interface ServeOptions extends CommonOptions {
  host: string;
  port: number;
  allowedHost: string[];
  maxArtifactBytes: number;
}

const DEFAULT_ARTIFACT_BYTES = 64 * 2 ** 30;

export function serveCommand(): Command {
  return withCommonOptions(new Command('serve'))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber(0, 65_535), 4780)
    .option(
      '--allowed-host <name>',
      'a name by which clients may call the server; may be given again',
      (name: string, names: string[]) => [...names, name],
      [],
    )
    .option(
      '--max-artifact-bytes <bytes>',
      'the largest artifact',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
      DEFAULT_ARTIFACT_BYTES,
    )
    .addHelpText(
      'after',
      `
Speaks MLflow's REST API: point a client at it with MLFLOW_TRACKING_URI. Ctrl-C stops it after the requests under way.

Example:
  ballast serve --port 4780
  MLFLOW_TRACKING_URI=http://127.0.0.1:4780 python train.py
`,
    )
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  await using store = await openStore(options.store, { thread: true });
  const server = await startServer({
    store,
    host: options.host,
    port: options.port,
    allowedHosts: options.allowedHost,
    artifactBytes: options.maxArtifactBytes,
    onFault: (error) => note(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ url: server.url, store: store.location })}\n`
      : `Serving ${store.location} on ${server.url}\n  MLflow clients: export MLFLOW_TRACKING_URI=${server.url}\n`,
  );
  await stopSignal();
  note('Stopping: requests under way are answered first.');
  await server.stop();
}

/** Resolves when the process is asked to end. A second signal ends it at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
