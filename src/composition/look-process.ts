import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ServingSettings } from '../config/serving-config.ts'
import { unwatchedWork } from '../disk/work.ts'
import type { DriftSettings } from '../drift/drift-settings.ts'
import { VigiaError } from '../errors.ts'
import { type FoundByLook, lookOfReport } from '../lifecycle/look-of-report.ts'
import { lookOf } from '../monitoring/findings.ts'
import { figuresOf } from '../monitoring/look-figures.ts'
import { namingFullDisk } from '../monitoring/look-room.ts'
import { monitorLog } from '../monitoring/monitor-log.ts'
import { monitorJson } from '../monitoring/monitor-report.ts'
import { monitoredModel } from '../monitoring/monitored-model.ts'
import { savedReports } from '../monitoring/saved-reports.ts'
import type { TakenLook } from '../monitoring/untold-looks.ts'
import type { FlaggedTreatment } from '../performance/logged-events.ts'
import { renderMonitoringReport } from '../reports/monitoring-report.ts'
import { answerProcess } from '../threads/run-in-process.ts'
import type { LookRoom } from './look-room.ts'
import { createServingStorage } from './open-serving-storage.ts'
import { trackingStoreOpener } from './open-tracking-store.ts'
import { servingModelLoader } from './serving-model-loader.ts'
import { systemWorld } from './system-world.ts'

/** A look that a process of its own takes: plain data. */
export interface LookRequest {
  readonly model: ServingSettings['model']
  /** The model in service, and where it is found by version. */
  readonly served: { readonly source: string; readonly sha256: string }
  readonly workingDirectory: string
  readonly folders: readonly string[]
  readonly looks: number
  readonly drift: Partial<DriftSettings>
  readonly flagged: FlaggedTreatment
  /** Of this look alone: whoever asked for it removes it. */
  readonly workFolder: string
  readonly room: LookRoom
  readonly reports: { readonly folder: string; readonly most: number }
  /** What the report is kept under: the time that the look is for. */
  readonly atMs: number
  /** When the next one is due at the latest, from now. */
  readonly everyMs: number
}

/** What came of it; its report is kept by then. */
export interface LookAnswer extends TakenLook {
  /** What it says to retraining. */
  readonly found: FoundByLook
}

/** Looks at the log of a server beside it, and keeps the report. */
const takeLook = async (request: LookRequest): Promise<LookAnswer> => {
  const { workingDirectory, folders, looks, drift, workFolder, reports, everyMs, room } = request
  const owner = { processId: process.pid, host: hostname(), isAlive: () => true }
  const loader = servingModelLoader({
    openTrackingStore: trackingStoreOpener({ workingDirectory, world: systemWorld, owner }),
    world: systemWorld,
  })
  const { source, sha256 } = request.served
  const loaded = await loader(request.model, process.env, workingDirectory)(source)
  const got = loaded.description.sha256
  // Of what is in the folder by now nothing was decided.
  if (got !== sha256) throw new VigiaError('MONITORING_MODEL_CHANGED', { source, got, served: sha256 })
  await mkdir(workFolder, { recursive: true })
  const report = await monitorLog({
    model: monitoredModel(loaded),
    folders,
    openLog: createServingStorage(owner).readLog,
    workFolder,
    work: unwatchedWork({
      // One processor is enough for a look, and the others are the server's.
      threads: 1,
      memoryLimit: `${room.sortMiB}MiB`,
      tempDirectory: workFolder,
      mostSpillBytes: room.spillBytes,
    }),
    looks,
    settings: drift,
    flagged: request.flagged,
    nowMs: systemWorld.now(),
  })
  const saved = { json: monitorJson(report), html: await renderMonitoringReport(report) }
  await savedReports(reports.folder, () => '').save(request.atMs, saved, reports.most)
  return { look: lookOf(report, everyMs), figures: figuresOf(report), found: lookOfReport(report) }
}

answerProcess((request: LookRequest) =>
  takeLook(request).catch((error: unknown) => {
    throw namingFullDisk(error, request.workFolder)
  }),
)
