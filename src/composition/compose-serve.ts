import type { Command } from '../cli/command.ts'
import { serveCommand } from '../cli/commands/serve.ts'
import type { ProcessParts } from './composition.ts'
import { withAlerts } from './keep-alerting.ts'
import { withLooks } from './keep-looking.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { serverStarter } from './start-server.ts'

/** `vigia serve` alone: a server that starts loads nothing of training, charts and reports. */
export const composeCommands = (parts: ProcessParts): readonly Command[] => {
  const { version, owner, world, workingDirectory } = parts
  const openTrackingStore = trackingStoreOpener({ workingDirectory, world, owner })
  const storage = createServingStorage(owner)
  return [
    serveCommand({
      startServer: withAlerts(
        withLooks(serverStarter({ version, storage, openTrackingStore, world }), {
          world,
          owner,
          openTrackingStore,
        }),
        { world, owner },
      ),
    }),
  ]
}
