import type { ServerDependencies } from '../dependencies.ts'
import type { ReadFrameRows } from '../frames/frame-values.ts'
import type { ParseJson } from '../json-bodies.ts'
import type { ReadTransaction } from '../read-transaction.ts'
import type { Load } from '../safety/load-shedding.ts'
import type { SourceRows } from '../source-rows.ts'

/** What routes work with. */
export interface RouteContext extends ServerDependencies {
  readonly parseJson: ParseJson
  readonly load: Load
  readonly readTransaction: ReadTransaction
  /** Of protocols that data frames are sent by, before `readTransaction`. */
  readonly readFrame: ReadFrameRows
  /** What is sent with mapping=source. */
  readonly source: SourceRows
  /** Why the server cannot decide; empty when it can. */
  readonly reasonsNotReady: () => readonly string[]
}
