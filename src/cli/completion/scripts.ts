// Owns the completion scripts: what bash, zsh and fish do to ask `vfleet complete`, and how they take its answer.
// The answer: a line that says of what kind it is, then a word a line, with a tab and what it is about behind it.

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * A vfleet that cannot look where it wants to must not keep a shell waiting: two seconds are long to whoever pressed a key.
 * It gets neither the terminal nor a place to complain. All that comes back are words, which no shell executes: bash takes
 * them as they are, so they come quoted; zsh and fish quote by themselves.
 */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# vfleet completion for bash: source <(vfleet completion bash)
_vfleet() {
  local kind
  COMPREPLY=()
  {
    read -r kind
    mapfile -t COMPREPLY
  } < <(timeout -s KILL 2 vfleet complete bash -- "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
  case $kind in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
    unfinished) compopt -o nospace ;;
  esac
}
complete -F _vfleet vfleet vf`,
  zsh: `#compdef vfleet vf
# vfleet completion for zsh: source <(vfleet completion zsh), or as the file _vfleet in a folder of fpath
_vfleet() {
  local -a answer values shown
  local line kind
  answer=("\${(@f)$(timeout -s KILL 2 vfleet complete zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  kind=$answer[1]
  for line in "\${(@)answer[2,-1]}"; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  case $kind in
    files) _files ;;
    folders) _files -/ ;;
    unfinished) compadd -S '' -d shown -a values ;;
    words) compadd -l -d shown -a values ;;
  esac
}
if [[ \${funcstack[1]} == _vfleet ]]; then
  _vfleet "$@"
elif (( $+functions[compdef] )); then
  compdef _vfleet vfleet vf
fi`,
  fish: `# vfleet completion for fish: vfleet completion fish > ~/.config/fish/completions/vfleet.fish
function __vfleet_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (timeout -s KILL 2 vfleet complete fish -- $words[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$answer[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current" ''
        case words unfinished
            printf '%s\\n' $answer[2..-1]
    end
end
complete -c vfleet -f -a '(__vfleet_complete)'
complete -c vf -f -a '(__vfleet_complete)'`,
};

/** The script for a shell. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}
