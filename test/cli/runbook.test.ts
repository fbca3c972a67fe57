import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCommand } from '../../src/cli/main.js';
import { RULE_NAMES } from '../../src/monitoring/alerts/condition.js';
import { evaluateAlerts } from '../../src/monitoring/alerts/evaluate-alerts.js';
import { alertName, findRunbook, RUNBOOKS, requireRunbook } from '../../src/monitoring/runbooks/index.js';
import type { Runbook } from '../../src/monitoring/runbooks/runbook.js';
import { ROLLOUT_RULE } from '../../src/rollout/signals.js';
import { type AlertState, openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { registerVersions } from '../support/registered-versions.js';

/** Words of a command line, quotes taken off. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word);

/** Makes a command check its words and do nothing. */
function harmless(command: Command): Command {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  for (const inner of command.commands) harmless(inner);
  return command.commands.length === 0 ? command.action(() => undefined) : command;
}

describe('runbooks', () => {
  test('every kind of alert has one, under its rule and its name', () => {
    for (const rule of [...RULE_NAMES, ROLLOUT_RULE]) {
      const runbook = requireRunbook(rule);
      expect(runbook.alertname).toMatch(/^Ballast[A-Z]/);
      expect(findRunbook(alertName(rule))).toBe(runbook);
    }
    expect(new Set(RUNBOOKS.map(({ name }) => name)).size).toBe(RUNBOOKS.length);
  });

  test.each(RUNBOOKS.map((runbook) => [runbook.name, runbook] as const))(
    '%s names only commands that there are, with options that they have',
    async (_name, { check, act, escalate }) => {
      expect(check.length).toBeGreaterThan(0);
      expect(act.length).toBeGreaterThan(0);
      expect(escalate).not.toBe('');
      for (const { command } of [...check, ...act]) {
        if (command === undefined) continue;
        const [program, name, ...words] = wordsOf(command);
        expect(program, command).toBe('ballast');
        const found = await loadCommand(name);
        if (found === undefined) throw new Error(`${command}: there is no such command`);
        await expect(harmless(found).parseAsync(words, { from: 'user' }), command).resolves.toBeDefined();
        if (name === 'runbook') requireRunbook(words[0]);
      }
    },
  );
});

describe('ballast runbook', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-runbook-'));
    const store = await openStore(join(folder, '.ballast'));
    await registerVersions(store, 'fraud', 3);
    await store.setAlias('fraud', 'champion', 3);
    await store.updateModel('fraud', { owner: 'ann', escalation: 'bob' });
    const slo = {
      name: 'orders',
      definition: { name: 'orders', sli: { type: 'custom', name: 'orders' }, objective: 0.9 },
    };
    await store.putSlos('fraud', [slo], 'test');
    await evaluateAlerts(store);
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const runbook = (...words: string[]) => ballast(folder, 'runbook', ...words);

  test('lists all, and prints one as it is where no model is named', async () => {
    const all = (await runbook('--json')).json<{ runbooks: Runbook[] }>().runbooks.map(({ name }) => name);
    expect(all).toEqual(RUNBOOKS.map(({ name }) => name));
    const { code, stdout } = await runbook('BallastErrorBudgetBurn');
    expect(code).toBe(0);
    expect(stdout).toContain('$ ballast models lineage MODEL/VERSION');
    const unknown = await runbook('nonsense', '--json');
    expect([unknown.code, unknown.json().error]).toEqual([2, expect.objectContaining({ code: 'RUNBOOK_UNKNOWN' })]);
    expect((await runbook('drift', '--model', 'nobody', '--json')).json().error).toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });

  test('puts in what is known of a model', async () => {
    const { stdout } = await runbook('roll-back', '--model', 'fraud');
    expect(stdout).toContain('ballast models alias fraud@champion 2');
    expect(stdout).toContain('owner ann');
    expect(stdout).toContain('Escalation: bob');
    expect(stdout.split('\n').every((line) => line.length <= 100 || line.includes('$'))).toBe(true);
  });

  test('of an alert by its fingerprint, or the beginning of it', async () => {
    const { alerts } = (await ballast(folder, 'alerts', 'list', '--json')).json<{ alerts: AlertState[] }>();
    const [{ fingerprint, annotations }] = alerts;
    expect(annotations.runbook).toBe('ballast runbook blind-spot --model fraud');
    const told = (await runbook(fingerprint.slice(0, 8), '--json')).json<Runbook & { alert: AlertState }>();
    expect([told.name, told.alert.fingerprint]).toEqual(['blind-spot', fingerprint]);
    expect(told.check.map(({ command }) => command)).toContain('ballast labels missing fraud');
    const other = await runbook(fingerprint, '--model', 'other', '--json');
    expect(other.json().error).toMatchObject({ code: 'USAGE', place: '--model' });
  });
});
