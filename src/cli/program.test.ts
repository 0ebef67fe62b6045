import { describe, expect, it } from 'vitest'
import { VigiaError } from '../errors.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from './command.ts'
import { runProgram } from './program.ts'

describe('a command line', () => {
  it('hands positional arguments and checked options to the command', async () => {
    const { seen } = await run(['greet', 'Ana', '--times', '3', '--tag', 'a', '--tag', 'b'])
    expect(seen[0]?.input).toEqual({
      arguments: ['Ana'],
      options: { times: 3, tag: ['a', 'b'], tone: 'kind' },
    })
  })

  it('ends with the exit code of the command', async () => {
    expect((await run(['greet', 'Ana'], { result: 1 })).exitCode).toBe(1)
  })

  it('without words prints the help to stderr and ends with 2', async () => {
    const { exitCode, stdout, stderr } = await run([])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Usage: vigia')
  })

  it('explains a command with its examples and the global options', async () => {
    const { exitCode, stdout } = await run(['greet', '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('$ vigia greet Ana\n      Says hello to Ana.')
    expect(stdout).toContain('--json')
  })
})

describe('a mistake in the command line', () => {
  it.each([
    [
      'a wrong command',
      ['gret'],
      'CLI_UNKNOWN_COMMAND: There is no command "gret". Allowed: greet. Did you mean greet?',
    ],
    [
      'a wrong option',
      ['greet', 'Ana', '--tims', '2'],
      '`vigia greet` has no option --tims. Allowed: --times, --tag,',
    ],
    ['a near option', ['greet', 'Ana', '--tims', '2'], 'Did you mean --times?'],
    ['a missing argument', ['greet'], "missing required argument 'name'"],
    ['text for a number', ['greet', 'Ana', '--times', 'x'], 'Expected a whole number.'],
    ['a choice that is none', ['greet', 'Ana', '--tone', 'rude'], 'Allowed choices are kind, formal.'],
  ])('is told with a next step and exit code 2: %s', async (_, words, sentence) => {
    const { exitCode, stdout, stderr, seen } = await run(words)
    expect([exitCode, stdout, seen]).toEqual([2, '', []])
    expect(stderr).toContain(sentence)
    expect(stderr).toContain('\nNext step: `vigia ')
  })
})

describe('an error in a command', () => {
  const registered = new VigiaError('CONFIG_FILE_UNREADABLE', { file: 'a.yaml', reason: 'there is none' })

  it('is told as code, message and next step, without a trace', async () => {
    const { exitCode, stderr } = await run(['greet', 'Ana'], { failure: registered })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(
      /^CONFIG_FILE_UNREADABLE: Configuration a\.yaml cannot be read: there is none\nNext step: /,
    )
    expect(stderr).not.toContain('    at ')
  })

  it('shows trace and cause with --verbose', async () => {
    const failure = new Error('above', { cause: new Error('below') })
    const { exitCode, stderr } = await run(['greet', 'Ana', '--verbose'], { failure })
    expect(exitCode).toBe(70)
    expect(stderr).toContain('INTERNAL: Unexpected failure: above')
    expect(stderr).toMatch(/ {4}at .*\n[\s\S]*Caused by: Error: below/)
  })

  it('is one JSON document with --json', async () => {
    const { stderr } = await run(['greet', 'Ana', '--json'], { failure: registered })
    const { error } = JSON.parse(stderr)
    expect([error.code, error.details]).toEqual([
      'CONFIG_FILE_UNREADABLE',
      { file: 'a.yaml', reason: 'there is none' },
    ])
  })

  it('after Ctrl-C is an interruption with exit code 130', async () => {
    const { exitCode, stderr } = await run(['greet', 'Ana'], {
      failure: new Error('stopped'),
      signal: AbortSignal.abort(),
    })
    expect(exitCode).toBe(130)
    expect(stderr).toContain('INTERRUPTED')
  })
})

describe('colours', () => {
  const failure = new Error('no')
  const escapeSequence = '\u001b['

  it('appear on a terminal', async () => {
    expect((await run(['greet', 'Ana'], { failure, isTerminal: true })).stderr).toContain(escapeSequence)
  })

  it.each([
    ['elsewhere', {}, []],
    ['with NO_COLOR', { isTerminal: true, environment: { NO_COLOR: '1' } }, []],
    ['on a dumb terminal', { isTerminal: true, environment: { TERM: 'dumb' } }, []],
    ['with --no-color', { isTerminal: true }, ['--no-color']],
  ])('do not appear %s', async (_, settings, words) => {
    const { stderr, seen } = await run(['greet', 'Ana', ...words], { failure, ...settings })
    expect(stderr).not.toContain(escapeSequence)
    expect(seen[0]?.context.useColor).toBe(false)
  })
})

interface Settings {
  readonly result?: ExitCode
  readonly failure?: Error
  readonly signal?: AbortSignal
  readonly isTerminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs a program of one command, `greet`, and tells what came out. */
const run = async (words: readonly string[], settings: Settings = {}) => {
  const seen: { context: CommandContext; input: CommandInput }[] = []
  const greet: Command = {
    name: 'greet',
    summary: 'say hello',
    description: 'Says hello.',
    arguments: [{ name: '<name>', description: 'to whom' }],
    options: [
      { flags: '--times <count>', description: 'how often', type: 'integer' },
      { flags: '--tag <tag>', description: 'any tag', repeatable: true },
      { flags: '--tone <tone>', description: 'how', choices: ['kind', 'formal'], defaultValue: 'kind' },
    ],
    examples: [{ command: 'vigia greet Ana', explanation: 'Says hello to Ana.' }],
    run: async (context, input) => {
      seen.push({ context, input })
      if (settings.failure !== undefined) throw settings.failure
      return settings.result ?? 0
    },
  }
  const written = { stdout: '', stderr: '' }
  const outputTo = (name: 'stdout' | 'stderr') => ({
    isTerminal: settings.isTerminal ?? false,
    columns: 200,
    write: (text: string) => {
      written[name] += text
    },
  })
  const exitCode = await runProgram(words, [greet], {
    version: '1.2.3',
    stdout: outputTo('stdout'),
    stderr: outputTo('stderr'),
    environment: settings.environment ?? {},
    workingDirectory: '/project',
    signal: settings.signal ?? new AbortController().signal,
    world: { monotonicMs: () => 0 },
  })
  return { exitCode, seen, ...written }
}
