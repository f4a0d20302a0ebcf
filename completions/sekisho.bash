# SPDX-License-Identifier: Apache-2.0
# Completion for bash: commands, and the options that the command itself lists in its help.
_sekisho() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]:-}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(LC_ALL=C sekisho --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p') --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(LC_ALL=C sekisho "$command" --help 2>/dev/null | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+')" -- "$word")
    elif [ "$command" = defs ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "compile info list find decode check" -- "$word")
    fi
}
complete -o default -F _sekisho sekisho
