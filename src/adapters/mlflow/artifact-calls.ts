import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { ExperimentTracker } from '../../ports/experiment-tracker.ts'
import { checkTrackingKey } from '../../ports/tracking-limits.ts'
import { logModel } from './logged-model-calls.ts'
import { downloadAll, uploadAll } from './mlflow-artifacts.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { get, notFound } from './mlflow-requests.ts'
import type { TrackedRuns } from './tracked-runs.ts'

/** Files of the runs of an MLflow server. */
export const artifactCalls = (
  client: MlflowClient,
  runs: TrackedRuns,
): Pick<ExperimentTracker, 'logArtifact' | 'listArtifacts' | 'downloadArtifact'> => ({
  async logArtifact(runId, localPath, artifactPath) {
    checkTrackingKey('Artifact path', artifactPath)
    const place = await runs.placeOf(runId)
    await uploadAll(place, localPath, artifactPath)
    if (place.isLocal) await checkServerSees(client, runId, artifactPath)
    if (await isModelFolder(localPath)) await logModel(client, runs, runId, { localPath, artifactPath })
  },

  async listArtifacts(runId, folder = '') {
    const entries = await (await runs.placeOf(runId)).list(folder)
    return [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  },

  async downloadArtifact(runId, artifactPath, localPath) {
    if (await downloadAll(await runs.placeOf(runId), artifactPath, localPath)) return
    throw notFound(client, `artifact ${artifactPath} of run ${runId}`)
  },
})

const isModelFolder = async (localPath: string): Promise<boolean> =>
  (await stat(join(localPath, 'MLmodel')).catch(() => undefined)) !== undefined

/** A local folder may be one of the server's machine only; then ours has files now that nobody will see. */
const checkServerSees = async (client: MlflowClient, runId: string, artifactPath: string): Promise<void> => {
  const folder = artifactPath.includes('/') ? artifactPath.slice(0, artifactPath.lastIndexOf('/')) : undefined
  const { files = [] } = await client.ask<{ files?: readonly { path: string }[] }>(
    get('artifacts/list', { run_id: runId, path: folder }),
  )
  if (files.some(({ path }) => path === artifactPath)) return
  throw new VigiaError('TRACKING_REFUSED', {
    location: client.location,
    request: `artifact ${artifactPath} of run ${runId}`,
    reason:
      'its artifacts lie on a disk of its own; start it with --serve-artifacts, and make another experiment',
  })
}
