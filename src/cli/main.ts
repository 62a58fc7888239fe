#!/usr/bin/env node
// The composition root: the only place that reads the environment, chooses real or simulated hosts, and exits.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CliContext } from './context.ts';
import { reportFailure } from './failure.ts';
import { openHost, openHypervisor } from './host.ts';
import { buildProgram } from './program.ts';
import { openTerminal } from './terminal.ts';
import { version } from './version.ts';

/** The system's folder for root, the user's own otherwise (XDG Base Directory Specification). */
function defaultStateRoot(environment: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/var/lib/vfleet';
  const stateHome = environment['XDG_STATE_HOME'];
  return join(
    stateHome !== undefined && stateHome.startsWith('/') ? stateHome : join(homedir(), '.local/state'),
    'vfleet',
  );
}

async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const terminal = openTerminal(process, environment);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interruption.abort();
      // A second signal ends the process at once; the journal then knows what was going on.
      process.once(signal, () => process.exit(130));
    });
  }
  const context: CliContext = {
    terminal,
    signal: interruption.signal,
    version,
    program: [process.execPath, fileURLToPath(import.meta.url)],
    setExitStatus: (status) => {
      process.exitCode = status;
    },
    openHost: async () => {
      const { host, state } = program.opts<{ host: string; state: string }>();
      return openHost(host, state);
    },
    openHypervisor: async (host) => openHypervisor(host, program.opts<{ libvirt?: string }>().libvirt),
  };
  const program = buildProgram(context, defaultStateRoot(environment));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = reportFailure(error, terminal, argv.includes('--json'));
    if ((environment['VFLEET_DEBUG'] ?? '') !== '' && error instanceof Error)
      terminal.note(error.stack ?? '');
  }
}

// A reader that went away (`vfleet show | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
await main(process.argv, process.env);
