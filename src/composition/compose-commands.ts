import { writeSegment } from '../adapters/segments/write-segment.ts'
import type { Command } from '../cli/command.ts'
import { createCommands } from '../cli/commands/index.ts'
import { renderEvaluationPlots, renderEvaluationReport } from '../reports/evaluation-report.ts'
import { renderMonitoringReport } from '../reports/monitoring-report.ts'
import { renderValidationReport } from '../reports/validation-report.ts'
import { trackThisProcess } from '../tracking/track-this-process.ts'
import type { ProcessParts } from './composition.ts'
import { backupSource, openBackupTarget } from './open-backups.ts'
import { openDatabase } from './open-database.ts'
import { retrainingOpener } from './open-retraining.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { processMemory } from './process-memory.ts'
import { serverOfProcess } from './server-of-process.ts'
import { servingModelLoader } from './serving-model-loader.ts'

/** Every command of `vigia`. */
export const composeCommands = (parts: ProcessParts): readonly Command[] => {
  const { version, owner, world, workingDirectory } = parts
  const openTrackingStore = trackingStoreOpener({ workingDirectory, world, owner })
  const storage = createServingStorage(owner)
  return createCommands({
    world,
    owner,
    openTrackingStore,
    storage,
    writeSegment,
    compactStates: async (folder) => {
      const { compactLmdbStates } = await import('../adapters/lmdb/compact-lmdb-states.ts')
      await compactLmdbStates(folder, owner)
    },
    version,
    backupSource,
    openAlerts: async (settings, environment) => {
      const { alertsOpener } = await import('./open-alerts.ts')
      return alertsOpener({ world, owner })(settings, environment)
    },
    openBackupTarget,
    openDatabase,
    openRetraining: retrainingOpener({ world, owner }),
    modelLoader: servingModelLoader({ openTrackingStore, world }),
    startServer: serverOfProcess({ version, storage, openTrackingStore, world, owner }),
    trackThisProcess: (store, command, directory) =>
      trackThisProcess(store, { version, command, workingDirectory: directory }),
    memory: () => ({ ...processMemory(), leftBytes: process.availableMemory() }),
    runtime: `node ${process.version}`,
    renderers: {
      validation: renderValidationReport,
      evaluation: renderEvaluationReport,
      plots: renderEvaluationPlots,
      monitoring: renderMonitoringReport,
    },
  })
}
