import { CommanderError, type Command as Definition } from 'commander'
import { VigiaError } from '../errors.ts'

/** A commander error as an error of the registry, with what is allowed; any other error unchanged. */
export const usageError = (error: unknown, program: Definition, words: readonly string[]): unknown => {
  if (!(error instanceof CommanderError)) return error
  const command = program.commands.find((candidate) => words.includes(candidate.name()))
  const name = command?.name() ?? '<command>'
  const got = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  switch (error.code) {
    case 'commander.unknownCommand':
      return new VigiaError('CLI_UNKNOWN_COMMAND', {
        got,
        allowed: program.commands.map((candidate) => candidate.name()).join(', '),
        suggestion: suggestionIn(error.message),
      })
    case 'commander.unknownOption':
      return new VigiaError('CLI_UNKNOWN_OPTION', {
        command: name,
        got,
        allowed: [...(command?.options ?? []), ...program.options].map(({ long }) => long).join(', '),
        suggestion: suggestionIn(error.message),
      })
    default:
      return new VigiaError('CLI_INVALID_ARGUMENT', {
        command: name,
        reason: error.message.replace(/^error: /, ''),
      })
  }
}

/** Commander writes its suggestion on a line of its own: `(Did you mean generate?)`. */
const suggestionIn = (message: string): string => {
  const suggestion = /\((Did you mean [^)]*)\)/.exec(message)?.[1]
  return suggestion === undefined ? '' : ` ${suggestion.replaceAll('\n', ' ')}`
}
