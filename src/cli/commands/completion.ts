// Owns `vfleet completion`: scripts for bash, zsh and fish, made from the commands themselves.

import { Argument } from 'commander';
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';

/** Adds the command that prints a completion script. */
export function addCompletionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(vfleet completion bash)\n  vfleet completion fish > ~/.config/fish/completions/vfleet.fish',
    )
    .action((shell: 'bash' | 'zsh' | 'fish') => {
      context.terminal.print(renderCompletion(program, shell));
    });
}

interface Entry {
  readonly path: string;
  readonly words: readonly string[];
}

function entriesOf(command: Command, path: string): Entry[] {
  const options = command.options.flatMap((option) =>
    option.long === undefined || option.hidden ? [] : [option.long],
  );
  // Without those that nobody types, and without the help command, which stands nowhere in the list.
  const shown = command.createHelp().visibleCommands(command);
  const commands = command.commands.filter((each) => shown.includes(each));
  const names = commands.map((each) => each.name());
  return [
    { path, words: [...names, ...options, '--help'] },
    ...commands.flatMap((each) => entriesOf(each, path === '' ? each.name() : `${path} ${each.name()}`)),
  ];
}

function renderCompletion(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const entries = entriesOf(program, '');
  if (shell === 'fish') {
    return entries
      .flatMap(({ path, words }) => {
        const condition =
          path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
        return words.map((word) =>
          word.startsWith('--')
            ? `complete -c vfleet -n '${condition}' -l ${word.slice(2)}`
            : `complete -c vfleet -n '${condition}' -a ${word}`,
        );
      })
      .join('\n');
  }
  const cases = entries.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  const script = `_vfleet() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case $path in
${cases}
    esac
    [ -n "$words" ] && break
    case $path in *' '*) path=\${path% *} ;; '') break ;; *) path='' ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _vfleet vfleet vf`;
  return shell === 'bash' ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`;
}
