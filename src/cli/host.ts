import type { World } from '../foundation/world.ts'
import type { OnHangup, Output } from './command.ts'

/** The outside world as `main.ts` hands it to the command line, once for the whole process. */
export interface Host {
  readonly version: string
  readonly stdout: Output
  readonly stderr: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly workingDirectory: string
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal
  /** Absent where there are no such signals. */
  readonly onHangup?: OnHangup
  /** Its clock spaces out progress. */
  readonly world: Pick<World, 'monotonicMs'>
}

/**
 * Colours: on a terminal, unless NO_COLOR (set and not empty), a dumb terminal or `--no-color` says
 * otherwise.
 */
export const mayUseColor = (output: Output, environment: Host['environment'], isAllowed: boolean): boolean =>
  isAllowed && output.isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
