import type { FoundSnapshot } from '../../../src/decisions/log/state-snapshots.ts'

/*
 * No snapshots are taken in the simulation.
 */

export const RECEIPTS_FILE = 'receipts.jsonl'

export const listSnapshots = async (): Promise<FoundSnapshot[]> => []

export const usable = (): readonly FoundSnapshot[] => []

export const verifySnapshot = async (): Promise<undefined> => undefined

export const removeSnapshot = async (): Promise<void> => undefined

export const snapshotName = String

export const snapshotsFolder = (folder: string): string => `${folder}/snapshots`

export const manifestText = JSON.stringify
