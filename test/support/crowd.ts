import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface CrowdOptions {
  /** Of a server. */
  readonly url: string;
  readonly path: string;
  /** A request that is answered with 200. */
  readonly body: unknown;
  /** Connections that are open at the same time. */
  readonly connections: number;
  /** Of these, so many send their request byte by byte, and never end it. */
  readonly slow: number;
  /** Requests of each of the others, one after the other, all connections open. */
  readonly rounds: number;
}

interface CrowdReport {
  readonly open: number;
  readonly answered: number;
  /** What was not answered with 200, by what was seen instead. */
  readonly failed: Readonly<Record<string, number>>;
  /** Requests of one client that comes when all are there, ms. */
  readonly newcomerMs: readonly number[];
}

/** Connections that are opened at once. */
const TOGETHER = 200;

/** Opens many connections to a server and asks over each while all are open. */
export async function crowd({ url, path, body, connections, slow, rounds }: CrowdOptions): Promise<CrowdReport> {
  const { hostname, port, host } = new URL(url);
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  const sockets: Socket[] = [];
  const failed: Record<string, number> = {};
  let answered = 0;
  const ask = async (socket: Socket): Promise<void> => {
    const got = await answerOf(socket, head + text);
    if (got === '200') answered++;
    else failed[got] = (failed[got] ?? 0) + 1;
  };
  const dribbling: NodeJS.Timeout[] = [];
  try {
    while (sockets.length < connections) {
      const some = Array.from({ length: Math.min(TOGETHER, connections - sockets.length) }, () =>
        connect(Number(port), hostname),
      );
      await Promise.all(some.map((socket) => once(socket, 'connect')));
      for (const socket of some) socket.on('error', () => {});
      sockets.push(...some);
    }
    for (const socket of sockets.slice(0, slow)) {
      socket.write(`${head}{`);
      dribbling.push(setInterval(() => socket.write(' '), 1000));
    }
    for (let round = 0; round < rounds; round++) {
      for (let from = slow; from < connections; from += TOGETHER) {
        await Promise.all(sockets.slice(from, Math.min(connections, from + TOGETHER)).map(ask));
      }
    }
    const open = sockets.filter(({ readyState }) => readyState === 'open').length;
    const newcomerMs: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      await ask(socket);
      newcomerMs.push(performance.now() - start);
      socket.destroy();
      await sleep(10);
    }
    return { open, answered, failed, newcomerMs };
  } finally {
    for (const timer of dribbling) clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  }
}

/** The status of the answer to a request, or how the connection ended. */
function answerOf(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve) => {
    // The server closes connections that are idle for long.
    if (socket.readyState !== 'open') {
      resolve('closed while idle');
      return;
    }
    let got = '';
    const end = (what: string): void => {
      socket.off('data', read).off('close', closed).off('error', closed);
      resolve(what);
    };
    const closed = (): void => end('closed');
    const read = (piece: Buffer): void => {
      got += piece.toString();
      const [, status] = /^HTTP\/1.1 (\d+)/.exec(got) ?? [];
      const [, length] = /content-length: (\d+)/i.exec(got) ?? [];
      const body = got.indexOf('\r\n\r\n');
      if (body >= 0 && length !== undefined && got.length >= body + 4 + Number(length)) end(status);
    };
    socket.on('data', read).on('close', closed).on('error', closed);
    socket.write(request);
  });
}
