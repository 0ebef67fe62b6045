/**
 * The registry of every error that Vigía raises on purpose.
 *
 * A message says what failed, where, what is allowed and what came; `fix` says what to do next. `{name}` is replaced by the
 * detail of that name. `status` is the HTTP status a server answers with, `exitCode` the one the command line ends with
 * (2: could not run). `docs/errors.md` is generated from this table.
 */
export interface ErrorDefinition {
  readonly status: number
  readonly exitCode: number
  readonly message: string
  readonly fix: string
}

const define = <const T extends Record<string, ErrorDefinition>>(table: T): T => table

export const ERRORS = define({
  // foundation
  INTERNAL: {
    status: 500,
    exitCode: 70,
    message: 'Unexpected failure: {reason}',
    fix: 'Run again with --verbose and report the stack trace.',
  },
  INTERRUPTED: {
    status: 503,
    exitCode: 130,
    message: 'Interrupted while {activity}',
    fix: 'Nothing was left half written. Run the same command again: finished steps are not repeated.',
  },
  DURATION_INVALID: {
    status: 422,
    exitCode: 2,
    message:
      'A duration is a whole number and one unit, d (days), h, m, s or ms, such as 7d or 90s; got "{got}"',
    fix: 'Write the duration as one number and one unit without a space.',
  },
  // transaction
  // config
  // dataset
  // features
  FEATURES_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'features.{setting} names "{got}", which is no feature or family. Allowed: {allowed}',
    fix: 'Correct the name{suggestion}; `docs/features.md` lists every feature.',
  },
  FEATURES_STATE_INCOMPATIBLE: {
    status: 409,
    exitCode: 2,
    message: 'The state of {entity} was written with schema {got}; this engine reads schema {allowed}',
    fix: 'Rebuild the states by replaying history with the current configuration (`vigia features`).',
  },
  FEATURES_STATE_CORRUPT: {
    status: 500,
    exitCode: 2,
    message: 'The state of {entity} is not readable: {reason}',
    fix: 'Restore the state from its last snapshot, or rebuild it by replaying history (`vigia features`).',
  },
  // learning
  // evaluation
  // model
  // pipelines
  // cli
})

export type ErrorCode = keyof typeof ERRORS

/** Names of the `{placeholders}` in a template. */
type Placeholders<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** The details an error needs: one value for each placeholder of its message and fix. */
export type ErrorDetails<C extends ErrorCode> = {
  readonly [K in Placeholders<(typeof ERRORS)[C]['message']> | Placeholders<(typeof ERRORS)[C]['fix']>]:
    | string
    | number
}

/** An error of the registry: `code` says which, `details` carries what came, `fix` the next step. */
export class VigiaError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly details: Readonly<Record<string, string | number>>
  readonly fix: string
  readonly status: number
  readonly exitCode: number

  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    const definition: ErrorDefinition = ERRORS[code]
    super(fillIn(definition.message, details), options)
    this.name = 'VigiaError'
    this.code = code
    this.details = details
    this.fix = fillIn(definition.fix, details)
    this.status = definition.status
    this.exitCode = definition.exitCode
  }
}

const fillIn = (template: string, details: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(details[name] ?? placeholder))
