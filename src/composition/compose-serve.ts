import type { Command } from '../cli/command.ts'
import { serveCommand } from '../cli/commands/serve.ts'
import type { ProcessParts } from './composition.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { serverOfProcess } from './server-of-process.ts'

/** `vigia serve` alone: a server that starts loads nothing of training, charts and reports. */
export const composeCommands = (parts: ProcessParts): readonly Command[] => {
  const { version, owner, world, workingDirectory } = parts
  const openTrackingStore = trackingStoreOpener({ workingDirectory, world, owner })
  const storage = createServingStorage(owner)
  return [
    serveCommand({ startServer: serverOfProcess({ version, storage, openTrackingStore, world, owner }) }),
  ]
}
