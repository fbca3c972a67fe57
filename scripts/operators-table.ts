import { readFileSync, writeFileSync } from 'node:fs';
import type { Authority, OperatorCase } from '../src/graph/operators/cases/case.js';
import { operatorCases } from '../src/graph/operators/cases/index.js';
import { type ListedOperator, listOperators } from '../src/graph/operators/registry.js';
import { NEWEST_OPSET, OLDEST_OPSET } from '../src/graph/upgrade/index.js';
import { UPGRADE_RULES } from '../src/graph/upgrade/rules.js';

/**
 * Writes docs/operators.md from the operators' rules and the table of their tests: `npx tsx scripts/operators-table.ts`.
 * With `--check` it writes nothing and fails where the page is stale.
 */

const page = new URL('../docs/operators.md', import.meta.url);

const { since } = JSON.parse(
  readFileSync(new URL('../src/graph/operators/goldens/opsets.json', import.meta.url), 'utf8'),
) as { since: Record<string, number[]> };

/** The opsets whose definitions are read: the one in force at the oldest opset, and all later ones. */
function opsets({ opType, domain }: Pick<ListedOperator, 'opType' | 'domain'>): string {
  if (domain !== '') return `${domain} 1`;
  const versions = (since[opType] ?? []).filter((version) => version <= NEWEST_OPSET);
  const inForce = versions.filter((version) => version <= OLDEST_OPSET).at(-1);
  return versions.filter((version) => version >= (inForce ?? 0)).join(', ');
}

const AUTHORITY: Record<Authority, string> = {
  'finite differences': 'finite differences in double precision',
  PyTorch: "PyTorch's double-precision gradients",
  linear: 'finite differences of a linear operator',
  shapes: 'types and shapes of the runtime',
};

function testedAgainst(cases: readonly OperatorCase[]): string {
  return (Object.keys(AUTHORITY) as Authority[])
    .flatMap((authority) => {
      const count = cases.filter((test) => test.authority === authority).length;
      return count === 0 ? [] : [`${AUTHORITY[authority]} (${count})`];
    })
    .join('; ');
}

function differentiates({ operator }: ListedOperator): string {
  if (operator.gradient === 'zero') return 'zero by nature';
  if (operator.gradient === undefined) return 'no';
  return operator.limits === undefined ? 'yes' : `yes, but not ${operator.limits}`;
}

function row(listed: ListedOperator): string {
  const cases = operatorCases.filter(({ operator }) => operator === listed.opType);
  const runs = cases.length > 0 ? 'yes' : 'untested';
  const cells = [`\`${listed.opType}\``, opsets(listed), runs, differentiates(listed), testedAgainst(cases)];
  return `| ${cells.join(' | ')} |`;
}

function table(family: string, operators: readonly ListedOperator[]): string {
  const sorted = [...operators].sort((a, b) => (a.opType < b.opType ? -1 : 1));
  return [
    `## ${family[0].toUpperCase()}${family.slice(1)}`,
    '',
    '| Operator | Opsets read | Runs | Differentiates | Tested against (cases) |',
    '| --- | --- | --- | --- | --- |',
    ...sorted.map(row),
  ].join('\n');
}

function render(): string {
  const operators = listOperators();
  const listed = new Set(operators.map(({ opType }) => opType));
  const rewritten = [...UPGRADE_RULES.keys()].filter((opType) => !listed.has(opType)).sort();
  const families = [...new Set(operators.map(({ family }) => family))];
  const differentiable = operators.filter(({ operator }) => typeof operator.gradient === 'function').length;
  return `<!-- Made by scripts/operators-table.ts; do not edit. -->

# Operators

Ballast builds graphs of opset 21. Models of opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} are rewritten for it when they are read; the second column
names the opsets in which the definition of an operator changed within that range. ${operators.length} operators have rules, ${differentiable} of
them a gradient. "Zero by nature" are those whose result does not change, or only in jumps, with their inputs:
differentiation stops there silently, as in every framework. An operator that is not listed, or has no gradient on the
way to a trained parameter, is an error that names node and operator.

Every operator has a test in \`src/graph/operators/cases\`: where the runtime has double-precision kernels, the gradient
equals finite differences to 1e-6 and the single-precision graph equals the double-precision one to 1e-5; elsewhere the
single-precision gradient equals PyTorch's double-precision one to 1e-5. Types and shapes equal the runtime's in every
case, and in the ONNX project's own node tests (\`test/interop/onnx-operators.test.ts\`).

Rewritten into these when a model is read: ${rewritten.map((name) => `\`${name}\``).join(', ')}, \`Gelu\` of \`com.microsoft\`.
\`Constant\` becomes a constant; \`If\` is resolved where its condition follows from shapes.

${families
  .map((family) =>
    table(
      family,
      operators.filter((operator) => operator.family === family),
    ),
  )
  .join('\n\n')}
`;
}

const wanted = render();
if (process.argv.includes('--check')) {
  const found = readFileSync(page, 'utf8');
  if (found !== wanted) {
    console.error('docs/operators.md is stale: run npx tsx scripts/operators-table.ts');
    process.exitCode = 1;
  }
} else {
  writeFileSync(page, wanted);
}
