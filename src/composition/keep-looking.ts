import type { ServeTools } from '../cli/commands/serve.ts'
import type { LookParts } from './look-parts.ts'

/** A server that looks at what it decides, at the times of `monitoring.schedule`. */
export const withLooks =
  (startServer: ServeTools['startServer'], parts: LookParts): ServeTools['startServer'] =>
  async (request) => {
    if (!request.settings.monitoring.enabled) return startServer(request)
    // Loaded where it is used: a server may do without.
    const { scheduledLooks } = await import('./scheduled-looks.ts')
    return startServer({ ...request, looks: scheduledLooks(request, parts) })
  }
