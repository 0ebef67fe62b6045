import { type ArtifactPlace, openArtifactPlace } from './mlflow-artifacts.ts'
import type { MlflowClient } from './mlflow-client.ts'
import type { WireRun } from './mlflow-messages.ts'
import { get, orNotFound } from './mlflow-requests.ts'

/** Runs as the server has them; remembers where their artifacts lie. */
export interface TrackedRuns {
  /** @throws TRACKING_NOT_FOUND */
  read(runId: string): Promise<WireRun>
  remember(runId: string, artifactUri: string): void
  /** A run's place never changes, so it is asked for once. @throws TRACKING_NOT_FOUND */
  placeOf(runId: string): Promise<ArtifactPlace>
}

export const trackedRuns = (client: MlflowClient): TrackedRuns => {
  const artifactUris = new Map<string, string>()
  const read = async (runId: string): Promise<WireRun> => {
    const answer = await client.call(get('runs/get', { run_id: runId }))
    if ('refusal' in answer) throw orNotFound(client, answer.refusal, `run ${runId}`)
    const { run } = answer.body as { run: WireRun }
    if (run.info.artifact_uri !== undefined) artifactUris.set(runId, run.info.artifact_uri)
    return run
  }
  return {
    read,
    remember: (runId, artifactUri) => {
      artifactUris.set(runId, artifactUri)
    },
    placeOf: async (runId) => {
      if (!artifactUris.has(runId)) await read(runId)
      return openArtifactPlace(client, artifactUris.get(runId) ?? '')
    },
  }
}
