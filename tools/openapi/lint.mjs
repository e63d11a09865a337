// Lints an OpenAPI document with Redocly's engine and the rules in redocly.yaml. Any finding fails.
import { fileURLToPath } from 'node:url';
import { formatProblems, getTotals, lint, loadConfig } from '@redocly/openapi-core';

const [document] = process.argv.slice(2);
const config = await loadConfig({ configPath: fileURLToPath(new URL('redocly.yaml', import.meta.url)) });
const problems = await lint({ ref: document, config });
const totals = getTotals(problems);
if (problems.length > 0) {
  formatProblems(problems, { format: 'codeframe', totals, version: '' });
  console.error(`${document}: ${totals.errors} errors, ${totals.warnings} warnings`);
  process.exit(1);
}
