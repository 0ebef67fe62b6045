import type { CatalogEntry } from '../../../src/decisions/log/archive-catalog.ts'
import { theMachine } from '../machine.ts'
import { theSite } from '../site.ts'

/*
 * The catalog of the simulation's archive: what is in it stays, and its files are always there.
 */

export const appendCatalog = async (_folder: string, entries: readonly CatalogEntry[]): Promise<void> => {
  const machine = theMachine()
  await machine.pause(1 + machine.random.next() * 5)
  machine.point()
  for (const entry of entries) ownCatalog().set(entry.segment, entry)
}

/** Nothing of a simulated log is removed. */
export const rewriteCatalog = async (): Promise<void> => {
  throw new Error('rewriteCatalog is not simulated')
}

export const readCatalog = async (): Promise<readonly CatalogEntry[]> => [...ownCatalog().values()]

export const archiveFileNames = async (): Promise<readonly string[]> => []

export const entriesOfOlder = async (): Promise<readonly CatalogEntry[]> => []

const ownCatalog = (): Map<string, CatalogEntry> => {
  const { catalogs, logOf } = siteOfNow()
  const catalog = catalogs.get(logOf) ?? new Map<string, CatalogEntry>()
  catalogs.set(logOf, catalog)
  return catalog
}

const siteOfNow = () => {
  const site = theSite()
  return { catalogs: site.catalogs, logOf: site.logOf(theMachine().process) }
}
