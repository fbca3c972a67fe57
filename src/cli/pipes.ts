let done = false;

/**
 * Lets a command finish whose reader has gone, as in `ballast runs list | head -1`: what is written from then on is
 * dropped, and the work and its exit code are those of the command.
 */
export function outliveClosedPipes(): void {
  if (done) return;
  done = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
