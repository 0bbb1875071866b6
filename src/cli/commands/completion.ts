import { Argument } from 'commander';
import type { Command } from 'commander';
import { examples, print } from '../output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Adds `observatory completion`, and `complete`, which the shells' scripts ask. `whole` registers every command, the one of this name with all below it. */
export function registerCompletion(program: Command, whole: (name: string | undefined) => Promise<Command>): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .description('print what makes a shell complete commands and options')
    .addHelpText(
      'after',
      examples(
        'source <(observatory completion bash)',
        'observatory completion fish > ~/.config/fish/completions/observatory.fish',
      ),
    )
    .action((shell: Shell) => print(SCRIPTS[shell]));
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .description('print what may follow these words')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) =>
      print(completionsOf(await whole(words.length > 1 ? words[0] : undefined), words).join('\n')),
    );
}

/** What may follow: the last word is being written, the others are whole. */
function completionsOf(program: Command, words: string[]): string[] {
  const begun = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1)) command = command.commands.find((one) => one.name() === word) ?? command;
  const names = command.commands.filter((one) => one.name() !== 'complete').map((one) => one.name());
  const options = command.options.flatMap(({ long }) => long ?? []);
  const candidates = begun.startsWith('-') ? [...options, '--help'] : [...names, ...choicesOf(command)];
  return candidates.filter((candidate) => candidate.startsWith(begun));
}

const choicesOf = ({ registeredArguments }: Command): string[] =>
  registeredArguments.flatMap(
    ({ argChoices, description }) => argChoices ?? (description.includes('`latest`') ? ['latest'] : []),
  );

const SCRIPTS: Record<Shell, string> = {
  bash: `_observatory() {
  local IFS=$'\\n'
  COMPREPLY=($(observatory complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _observatory observatory`,
  zsh: `#compdef observatory
_observatory() {
  local -a found
  found=("\${(@f)$(observatory complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}
compdef _observatory observatory`,
  fish: `complete -c observatory -a '(observatory complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};
