import type { ServeTools } from '../cli/commands/serve.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import type { World } from '../foundation/world.ts'
import type { OpenTrackingStore } from '../ports/tracking-store.ts'

/** What looks need of the process. */
export interface LookParts {
  readonly world: World
  readonly owner: FolderOwner
  readonly openTrackingStore: OpenTrackingStore
}

/** A server that looks at what it decides, at the times of `monitoring.schedule`. */
export const withLooks =
  (startServer: ServeTools['startServer'], parts: LookParts): ServeTools['startServer'] =>
  async (request) => {
    if (!request.settings.monitoring.enabled) return startServer(request)
    // Loaded where it is used: a server may do without.
    const { scheduledLooks } = await import('./scheduled-looks.ts')
    return startServer({ ...request, looks: scheduledLooks(request, parts) })
  }
