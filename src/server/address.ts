import { BallastError } from '../errors.js';

/** Why a server cannot listen on an address; an error that is about something else, as it is. */
export function explainAddress(error: unknown, address: string): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const isTaken = code === 'EADDRINUSE' || String(message).includes('EADDRINUSE');
  const isRefused = ['EACCES', 'EADDRNOTAVAIL'].some((each) => code === each || String(message).includes(each));
  if (!isTaken && !isRefused) return error;
  return new BallastError(isTaken ? 'Another process listens on this address' : 'This address cannot be listened on', {
    code: 'SERVER_ADDRESS',
    kind: 'environment',
    place: address,
    remedy: 'Choose another with --port, --grpc-port or --host.',
    cause: error,
  });
}
