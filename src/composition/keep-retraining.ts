import type { ServeTools } from '../cli/commands/serve.ts'
import { VigiaError } from '../errors.ts'
import type { ScheduledRetraining } from '../lifecycle/served-retraining.ts'
import type { RetrainingParts } from './scheduled-retraining.ts'

type StartRequest = Parameters<ServeTools['startServer']>[0]

/** A server that trains its model again, where `retraining.enabled` says so. */
export const withRetraining =
  (startServer: ServeTools['startServer'], parts: RetrainingParts): ServeTools['startServer'] =>
  async (request) => {
    const retraining = request.settings.retraining.enabled ? await openRetraining(request, parts) : undefined
    return startServer(retraining === undefined ? request : { ...request, retraining })
  }

/**
 * Where it cannot train, as without the champion's training configuration, that is said at the start, and
 * keeps nobody from deciding.
 */
const openRetraining = async (
  request: StartRequest,
  parts: RetrainingParts,
): Promise<ScheduledRetraining | undefined> => {
  // Loaded where it is used: most servers do without.
  const { openScheduledRetraining } = await import('./scheduled-retraining.ts')
  try {
    return await openScheduledRetraining(request, parts)
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    request.onWarning?.(`retraining: NOTHING IS TRAINED AGAIN: ${error.message}`)
    return undefined
  }
}
