import { frontierOf } from './check-store.ts'
import { readLogOnDisk } from './log-on-disk.ts'
import type { Server, Site } from './site.ts'

const LOOK_MS = 100
/** How long a server may not have noticed that its store was emptied: it asks for entries once a second. */
const UNNOTICED_MS = 9000
/** What a decision adds to a full cache before the next one is refused. */
const MOST_AT_ONCE_BYTES = 60_000

/** Looks at the servers of a run, from outside, again and again. */
export const createReadinessWatch = (site: Site) => {
  const { machine } = site
  const look = (): void => {
    machine.after(LOOK_MS, look, null)
    for (const server of site.living()) lookAt(site, server)
  }
  return {
    start: look,
    opened: (server: Server): void => checkNoHole(site, server),
    /** At the end, over a store that was emptied. */
    nobodyIsReady: (): void => {
      if (site.lostEntries === 0) return
      for (const server of site.living())
        if (server.service?.pipeline.status().isReady && !isYoungerThanLoss(site, server))
          site.broken(`process ${server.process.id} is ready over a store that was emptied`)
    },
  }
}

/** Whoever first looks at the store after the loss, with a log that has nothing, may begin anew. */
export const isYoungerThanLoss = (
  { emptiedAtMs }: Site,
  { lookedMs = Number.POSITIVE_INFINITY, hadNothing }: Server,
): boolean => hadNothing && emptiedAtMs !== undefined && lookedMs >= emptiedAtMs

const lookAt = (site: Site, server: Server): void => {
  const { service, process } = server
  if (service === undefined || process.state !== 'running') return
  const { isReady, store } = service.pipeline.status()
  const { cacheBytes, states } = site.setup
  if (states === 'owned' && store.cachedBytes > 1.25 * cacheBytes + MOST_AT_ONCE_BYTES)
    site.broken(`${store.cachedBytes} bytes of states are in memory, and ${cacheBytes} are allowed`)
  const { emptiedAtMs, lostEntries } = site
  if (emptiedAtMs === undefined || lostEntries === 0 || site.machine.nowMs < emptiedAtMs + UNNOTICED_MS)
    return
  if (isReady && site.folder.trouble === undefined && !isYoungerThanLoss(site, server))
    site.broken(`process ${process.id} is ready ${UNNOTICED_MS} ms after its store was emptied`)
}

/** A server that is open has every record after those that are in all stored states. */
const checkNoHole = (site: Site, server: Server): void => {
  if (site.setup.states === 'shared' || site.isLossy) return
  const { savedThrough } = frontierOf(site.folder.contents)
  const { records, last } = readLogOnDisk(site, site.logFolder(server.host), false)
  const numbers = new Set(records.map(({ sequence }) => sequence))
  for (let n = savedThrough + 1; n <= last; n++)
    if (!numbers.has(n)) {
      site.broken(`process ${server.process.id} serves over a hole: record ${n} is missing`)
      return
    }
}
