// A command of `ballast`, with the process's peak memory behind its answer.
import { run } from '../../src/cli/main.ts';

process.exitCode = await run(process.argv.slice(2));
process.stdout.write(`peak ${process.resourceUsage().maxRSS * 1024}\n`);
