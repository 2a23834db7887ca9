/**
 * What shells load to complete the command line: they ask `hither complete` and
 * pass the words as they are, never through `eval`.
 *
 * It prints candidates, one a line, each with a tab and what it is; or `:files`
 * or `:folders` where the shell knows better.
 *
 * @module
 */

/** The shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const BASH = `# hither: completions for bash
_hither() {
  local value
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # The word at the cursor may have a quote that is still open.
  local quote=\${words[COMP_CWORD - 1]:0:1}
  case $quote in
    [\\"\\']) words[COMP_CWORD - 1]=\${words[COMP_CWORD - 1]:1} ;;
    *) quote= ;;
  esac
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    case $value in
      :files) compopt -o default 2>/dev/null ;;
      :folders) compopt -o dirnames 2>/dev/null ;;
      *) if [[ $quote ]]; then COMPREPLY+=("$value"); else COMPREPLY+=("$(printf %q "$value")"); fi ;;
    esac
  done < <(hither complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _hither hither
`;

const ZSH = `#compdef hither
_hither() {
  local -a lines candidates
  local line value
  lines=("\${(@f)$(hither complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case $lines[1] in
    :files) _files ;;
    :folders) _files -/ ;;
    *)
      for line in $lines; do
        value=\${line%%$'\\t'*}
        candidates+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
      done
      _describe hither candidates
      ;;
  esac
}
if [[ $funcstack[1] == _hither ]]; then
  _hither "$@"
else
  compdef _hither hither
fi
`;

const FISH = `# hither: completions for fish
function __hither_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines (hither complete -- $words[2..-1] 2>/dev/null)
  switch "$lines[1]"
    case :files
      __fish_complete_path (commandline -ct)
    case :folders
      __fish_complete_directories (commandline -ct)
    case '*'
      printf '%s\\n' $lines
  end
end
complete -c hither -f -a '(__hither_complete)'
`;

/** The script for a shell. */
export function completionScript(shell: typeof SHELLS[number]): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}
