// `npm run check`: types, rules, format, unused code. Every check runs, also after one has failed.

import { run, setUp } from './setup.mjs';

setUp();
const checks = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'rules', command: ['oxlint', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'unused code', command: ['knip'] },
];
const failed = checks.filter(({ name, command }) => {
  console.error(`check: ${name}`);
  return run('npx', ['--no-install', ...command]) !== 0;
});
for (const { name } of failed) console.error(`check: ${name} failed`);
process.exit(failed.length === 0 ? 0 : 1);
