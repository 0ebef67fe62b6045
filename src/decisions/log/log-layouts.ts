import { join } from 'node:path'
import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'

/** States of a layout that took part in a log. */
export interface LogLayout {
  /** `LoadedModel.layoutKey` of the models that go on from them. */
  readonly layoutKey: string
  /** Key of the model that cleans for them what models of other layouts decide on. */
  readonly founder: string
}

/** States that began as a branch of others. */
export interface BegunLayout extends LogLayout {
  /** Last record in them when they began, inclusive: a snapshot of that moment stands beside the log. */
  readonly after: number
}

/** Which states a log has had; models of the same layout may have had several, one after the other. */
export interface LogLayouts {
  /** Those that the log began with; absent where nobody knows whose they were. */
  readonly first?: LogLayout
  /** Those that began later, in their order. */
  readonly begun: readonly BegunLayout[]
}

const LAYOUTS_DOCUMENT = 'layouts'

/** Undefined for a log that states of one layout have written. */
export const readLogLayouts = async (
  log: Pick<LogReader, 'readDocument'>,
): Promise<LogLayouts | undefined> => {
  const text = await log.readDocument(LAYOUTS_DOCUMENT)
  return text === undefined ? undefined : (JSON.parse(text) as LogLayouts)
}

/** Replaces what the log says. */
export const writeLogLayouts = (
  log: Pick<PredictionLog, 'writeDocument'>,
  layouts: LogLayouts,
): Promise<void> => log.writeDocument(LAYOUTS_DOCUMENT, JSON.stringify(layouts))

/** How a folder of a layout is called. */
export const layoutName = (layoutKey: string): string => layoutKey.slice(0, 16)

/** Where snapshots of states of this layout lie (`snapshotsFolder`), in the folder of a log. */
export const layoutFolder = (log: string, layoutKey: string): string =>
  join(log, 'branches', layoutName(layoutKey))
