import { openServiceRetraining } from '../cli/commands/service-retraining.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import { unwatched } from '../disk/work.ts'
import { advanceAll } from '../lifecycle/advance-service.ts'
import { controlByQuestions } from '../lifecycle/control-of-service.ts'
import { createServiceWorks } from '../lifecycle/retraining-of-service.ts'
import { renderEvaluationPlots, renderEvaluationReport } from '../reports/evaluation-report.ts'
import { renderValidationReport } from '../reports/validation-report.ts'
import type { Advanced } from '../retraining/advance-retraining.ts'
import { rulesOfSettings } from '../retraining/rules-of-settings.ts'
import { type Ask, answerProcess } from '../threads/run-in-process.ts'
import { trackThisProcess } from '../tracking/track-this-process.ts'
import { retrainingOpener } from './open-retraining.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { servingModelLoader } from './serving-model-loader.ts'
import { systemWorld } from './system-world.ts'
import { thisProcess } from './this-process.ts'

/** What a process of its own does of the retraining of a server: plain data. */
export interface RetrainingRequest {
  /** Of the server. */
  readonly settings: ServingSettings
  readonly workingDirectory: string
  /** Of Vigía. */
  readonly version: string
}

/** Each step that was done, and why the last was none. */
export interface RetrainingAnswer {
  readonly steps: readonly Advanced[]
}

/**
 * Does all steps that are due: reads, trains and compares here, and asks the server to serve other models.
 * What it has done stands in the journal by then, so that it may be killed at any time.
 */
const advance = async (
  { settings, workingDirectory, version }: RetrainingRequest,
  ask: Ask,
): Promise<RetrainingAnswer> => {
  const world = systemWorld
  const owner = thisProcess()
  const openTrackingStore = trackingStoreOpener({ workingDirectory, world, owner })
  const control = controlByQuestions(ask)
  const parts = await openServiceRetraining({
    place: { workingDirectory, environment: process.env, work: unwatched() },
    settings,
    control,
    by: 'vigia',
    program: 'vigia serve',
    tools: {
      world,
      owner,
      storage: createServingStorage(owner),
      openTrackingStore,
      modelLoader: servingModelLoader({ openTrackingStore, world }),
      runtime: `node ${process.version}`,
      trackThisProcess: (store, command, directory) =>
        trackThisProcess(store, { version, command, workingDirectory: directory }),
      renderers: {
        validation: renderValidationReport,
        evaluation: renderEvaluationReport,
        plots: renderEvaluationPlots,
      },
    },
  })
  try {
    const steps = await advanceAll(settings.retraining.path, owner, {
      model: parts.model,
      change: retrainingOpener({ world, owner })(settings.retraining),
      works: createServiceWorks(parts),
      control,
      rules: rulesOfSettings(settings.retraining),
      now: world.now,
      by: parts.by,
      signal: parts.work.signal,
    })
    return { steps }
  } finally {
    await parts.store.tracker.close()
  }
}

answerProcess(advance)
