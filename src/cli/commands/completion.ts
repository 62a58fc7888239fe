// Owns the command lines of `vfleet completion`, and of `vfleet complete`, which nobody types: the scripts call it.
// What they do is in ../completion, loaded when it is run.

import { Argument } from 'commander';
import type { Command } from 'commander';
import type { Shell } from '../completion/scripts.ts';
import { completionScript, shells } from '../completion/scripts.ts';
import type { CliContext } from '../context.ts';

/** Adds the command that prints a completion script, and the one that the scripts call. */
export function addCompletionCommand(program: Command, context: CliContext): void {
  const { terminal } = context;
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText(
      'after',
      '\nIt completes commands, options and what they take: networks of the applied' +
        '\nspec, VMs, leased VFs, files. For these it asks vfleet, which looks and changes\nnothing.' +
        '\n\nExamples:\n  source <(vfleet completion bash)\n  source <(vfleet completion zsh)' +
        '\n  vfleet completion fish > ~/.config/fish/completions/vfleet.fish',
    )
    .action((shell: Shell) => terminal.print(completionScript(shell)));
  program
    .command('complete', { hidden: true })
    .description('print what can stand at the cursor of a command line')
    .addArgument(new Argument('<shell>').choices(shells))
    .argument('[words...]', 'the line, or its words up to the cursor, after --')
    .action(async (shell: Shell, words: readonly string[]) => {
      const { completeLine } = await import('../completion/complete.ts');
      for (const line of await completeLine(program, shell, words)) terminal.print(line);
    });
}
