import { Argument, CommanderError, Command as Definition, InvalidArgumentError, Option } from 'commander'
import { VigiaError } from '../errors.ts'
import type { Command, CommandContext, CommandOption } from './command.ts'
import { type Host, mayUseColor } from './host.ts'
import { createProgressDisplay } from './progress.ts'
import { type GlobalOptions, reportError } from './report-error.ts'
import { usageError } from './usage-error.ts'

/**
 * Runs `vigia <words>` and returns the exit code: 0 done, 1 done and the answer is no, 2 could not run, 130
 * interrupted.
 *
 * Never throws and never ends the process: what goes wrong is told on stderr.
 */
export const runProgram = async (
  words: readonly string[],
  commands: readonly Command[],
  host: Host,
): Promise<number> => {
  let exitCode: number = 0
  const program = defineProgram(commands, host, async (run) => {
    exitCode = await run()
  })
  try {
    if (words.length === 0) {
      host.stderr.write(program.helpInformation())
      return 2
    }
    await program.parseAsync(words, { from: 'user' })
    const endsWithSignal = commands.some(
      ({ name, endsWithSignal }) => endsWithSignal === true && words.includes(name),
    )
    if (host.signal.aborted && !endsWithSignal) throw new VigiaError('INTERRUPTED', { activity: 'working' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportError(usageError(error, program, words), globalOptions(words), host)
  }
}

/** Read from the words themselves: an error in parsing must already respect them. */
const globalOptions = (words: readonly string[]): GlobalOptions => ({
  json: words.includes('--json'),
  verbose: words.includes('--verbose'),
  color: !words.includes('--no-color'),
})

const defineProgram = (
  commands: readonly Command[],
  host: Host,
  execute: (run: () => Promise<number>) => Promise<void>,
): Definition => {
  const program = new Definition('vigia')
    .description('Fraud detection from raw transactions to decisions.')
    .version(host.version, '--version', 'print the version')
    .option('--json', 'print one JSON document for machines')
    .option('--verbose', 'show the trace and the cause of an error')
    .option('--no-color', 'print plain text (so does the environment variable NO_COLOR)')
    .helpOption('-h, --help', 'explain this command')
    .helpCommand('help [command]', 'explain a command')
    .configureHelp({ showGlobalOptions: true, helpWidth: host.stdout.columns })
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      // Errors of usage are thrown, and told once by reportError.
      writeErr: () => undefined,
      getOutHasColors: () => mayUseColor(host.stdout, host.environment, true),
      getErrHasColors: () => false,
    })
    .exitOverride()
  program.addHelpText('after', '\nFirst steps:\n  vigia doctor\n  vigia generate --help\n')
  for (const command of commands) addCommand(program, command, host, execute)
  return program
}

const addCommand = (
  program: Definition,
  command: Command,
  host: Host,
  execute: (run: () => Promise<number>) => Promise<void>,
): void => {
  const definition = program.command(command.name).summary(command.summary).description(command.description)
  definition.addHelpText('after', examplesOf(command))
  for (const { name, description, choices } of command.arguments ?? []) {
    const argument = new Argument(name, description)
    definition.addArgument(choices === undefined ? argument : argument.choices(choices))
  }
  for (const option of command.options) definition.addOption(optionOf(option))
  definition.action(async () => {
    const globals = program.opts<GlobalOptions>()
    const progress = createProgressDisplay(host.stderr, host.world)
    const context: CommandContext = {
      stdout: host.stdout,
      stderr: host.stderr,
      environment: host.environment,
      workingDirectory: host.workingDirectory,
      work: { signal: host.signal, reportProgress: progress.report },
      onHangup: host.onHangup,
      json: globals.json === true,
      useColor: mayUseColor(host.stdout, host.environment, globals.color),
    }
    const given = definition.processedArgs.flat().filter((value): value is string => value !== undefined)
    try {
      await execute(() => command.run(context, { arguments: given, options: definition.opts() }))
    } finally {
      progress.close()
    }
  })
}

const optionOf = (declared: CommandOption): Option => {
  const option = new Option(declared.flags, declared.description)
  if (declared.defaultValue !== undefined) option.default(declared.defaultValue)
  if (declared.choices !== undefined) option.choices(declared.choices)
  if (declared.required === true) option.makeOptionMandatory()
  if (declared.repeatable === true) option.argParser(collect)
  if (declared.type !== undefined) option.argParser(numberParser(declared.type))
  return option
}

/** Not commander's variadic `<value...>`: that would also swallow the positional arguments that follow it. */
const collect = (text: string, earlier: readonly string[] = []): readonly string[] => [...earlier, text]

const numberParser =
  (type: 'integer' | 'number') =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    const isRight = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)
    if (isRight) return value
    throw new InvalidArgumentError(`Expected ${type === 'integer' ? 'a whole number' : 'a number'}.`)
  }

const examplesOf = ({ examples }: Command): string =>
  examples.length === 0
    ? ''
    : `\nExamples:\n${examples.map(({ command, explanation }) => `  $ ${command}\n      ${explanation}`).join('\n')}\n`
