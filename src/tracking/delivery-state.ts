import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How far a journal has been delivered: `delivered.json` beside it. */
export interface DeliveryState {
  readonly schema: 1
  /** The tracker that has it, as it names itself. */
  readonly location: string
  /** Bytes of the journal whose operations are done or refused. */
  readonly position: number
  /** How many operations these are. */
  readonly entries: number
  /** Tag of the tracked run, and id of its experiment; absent before they are known. */
  readonly runKey?: string
  readonly experimentId?: string
  /** Id of each created run by its name in the journal. */
  readonly runs: Readonly<Record<string, string>>
  /** What the tracker did not take, and why. */
  readonly refused: readonly RefusedEntry[]
  /** The registered version, once there is one. */
  readonly version?: { readonly model: string; readonly version: number }
}

/** Something that a tracker will not take however often it is sent. */
export interface RefusedEntry {
  /** For people: `parameter split.train_share of model/random_forest`. */
  readonly what: string
  readonly reason: string
}

export const NOTHING_DELIVERED = { schema: 1, position: 0, entries: 0, runs: {}, refused: [] } as const

export const DELIVERED_FILE = 'delivered.json'

/**
 * What was delivered of the journal in `folder`; undefined when nothing was noted or the note cannot be read.
 */
export const readDeliveryState = async (folder: string): Promise<DeliveryState | undefined> => {
  try {
    const state = JSON.parse(await readFile(join(folder, DELIVERED_FILE), 'utf8')) as DeliveryState
    return state.schema === 1 ? state : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all. @throws what the file system throws */
export const writeDeliveryState = async (folder: string, state: DeliveryState): Promise<void> => {
  const path = join(folder, DELIVERED_FILE)
  await writeFile(`${path}.tmp`, `${JSON.stringify(state, null, 1)}\n`)
  await rename(`${path}.tmp`, path)
}
