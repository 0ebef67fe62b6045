import type { ExperimentTracker } from '../../ports/experiment-tracker.ts'
import { artifactCalls } from './artifact-calls.ts'
import { entryCalls } from './entry-calls.ts'
import { experimentCalls } from './experiment-calls.ts'
import { loggedModelCalls } from './logged-model-calls.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { runCalls } from './run-calls.ts'
import { trackedRuns } from './tracked-runs.ts'

/**
 * Runs recorded by an MLflow server, over the REST interface of MLflow 2.0 and later.
 *
 * What is made bears the tag `vigia.request`, by which it is found again when an answer was lost; it is not
 * among the tags that are given back. Three things are MLflow's: a data set of one name and digest is kept
 * once per experiment, as it was first described; a run that is started again keeps its old end time in the
 * server until its next end (not shown here while it runs); infinities come back from SQL stores as the
 * largest doubles (read as infinities here).
 */
export const createMlflowTracker = (client: MlflowClient): ExperimentTracker => {
  const runs = trackedRuns(client)
  return {
    location: client.location,
    ...experimentCalls(client),
    ...runCalls(client, runs),
    ...entryCalls(client, runs),
    ...artifactCalls(client, runs),
    ...loggedModelCalls(client, runs),
    // Global fetch holds the connections; idle ones do not keep a process alive.
    close: async () => client.close(),
  }
}
