import { Command } from 'commander';

export function schemaCommand(): Command {
  return new Command('schema')
    .option('--json', 'accepted for uniformity: the answer is JSON in any case')
    .addHelpText('after', '\nExample:\n  ballast schema > spec.schema.json\n')
    .action(async () => {
      const { specJsonSchema } = await import('../spec/schema.js');
      process.stdout.write(`${JSON.stringify(specJsonSchema(), null, 2)}\n`);
    });
}
