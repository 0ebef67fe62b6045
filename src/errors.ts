import { ERRORS, type ErrorDefinition } from './error-table.ts'

export { ERRORS, type ErrorDefinition } from './error-table.ts'

/** Name of an error in the table. */
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
