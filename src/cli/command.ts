import type { Work } from '../disk/work.ts'

/** A stream the command line writes to. Colours and bars appear only where `isTerminal`. */
export interface Output {
  readonly isTerminal: boolean
  /** Width in columns; 80 when it is not a terminal. */
  readonly columns: number
  write(text: string): void
}

/** Calls `listener` on each SIGHUP from now on, which then ends nothing. @returns ends that */
export type OnHangup = (listener: () => void) => () => void

/** All of the outside world a command may use; `main.ts` makes it, tests replace it. */
export interface CommandContext {
  readonly stdout: Output
  readonly stderr: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  /** Aborted on Ctrl-C: a command stops at the next safe point and removes what is half written. */
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** Absent where there are no such signals. */
  readonly onHangup?: OnHangup | undefined
  /** `--json`: stdout carries one JSON document and nothing else. */
  readonly json: boolean
  /** True when stdout is a terminal and neither `--no-color` nor NO_COLOR asks for plain text. */
  readonly useColor: boolean
}

export interface CommandOption {
  /** As commander writes them: `--out <file>`, `--force`. */
  readonly flags: string
  readonly description: string
  readonly defaultValue?: string | number | boolean
  readonly choices?: readonly string[]
  readonly required?: boolean
  /** True when it may be given several times; its value is then the list of all. */
  readonly repeatable?: boolean
  /** `integer` and `number` are parsed and checked by the frame; text otherwise. */
  readonly type?: 'integer' | 'number'
}

export interface CommandArgument {
  /** As commander writes them: `<input>` is required, `[input]` is not. */
  readonly name: string
  readonly description: string
  readonly choices?: readonly string[]
}

/** Positional arguments and options by camel-cased name, checked against their declaration. */
export interface CommandInput {
  readonly arguments: readonly string[]
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
}

/**
 * 0: done. 1: done, and the answer is no (thresholds exceeded). 2: could not run. 10, 11, 12: done, and
 * what was found is moderate, severe, critical. 130: interrupted.
 */
export type ExitCode = 0 | 1 | 2 | 10 | 11 | 12 | 130

/** One command of `vigia` as data: help, completion and documentation are made from it. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly arguments?: readonly CommandArgument[]
  readonly options: readonly CommandOption[]
  /** It runs until Ctrl-C or SIGTERM ends it, which is no interruption. */
  readonly endsWithSignal?: true
  readonly examples: readonly { readonly command: string; readonly explanation: string }[]
  run(context: CommandContext, input: CommandInput): Promise<ExitCode>
}
