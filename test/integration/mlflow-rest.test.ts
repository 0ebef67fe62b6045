import { afterAll, beforeAll, describe } from 'vitest'
import { createMlflowStore } from '../../src/adapters/mlflow/mlflow-store.ts'
import { experimentTrackerContract } from '../contracts/experiment-tracker-contract.ts'
import { modelRegistryContract } from '../contracts/model-registry-contract.ts'
import { MLFLOW_PYTHON, type MlflowServer, startMlflowServer } from './mlflow-server.ts'

describe.skipIf(MLFLOW_PYTHON === undefined)('a server with artifact proxy', () => {
  let server: MlflowServer
  beforeAll(async () => {
    server = await startMlflowServer()
  })
  afterAll(() => server.stop())
  const open = () => createMlflowStore({ uri: server.uri, environment: {}, timeoutMs: 10_000, retries: 3 })

  experimentTrackerContract('MLflow over REST', async () => open().tracker)
  modelRegistryContract('MLflow over REST', async () => open())
})
