import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  askInPython,
  CLIENTS,
  type Decision,
  decideFirst,
  MLFLOW_PYTHON,
  TRANSACTIONS,
} from './clients-of-others.ts'
import { trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const ZONE = 'Europe/Madrid'

/** The clients of Triton, KServe and MLflow, as the package index has them, ask a server of a real model. */
describe.skipIf(MLFLOW_PYTHON === undefined)(`clients of others (${CLIENTS})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-other-clients-'))
  let server: VigiaServer
  let decisions: readonly Decision[]
  let got: Readonly<Record<string, unknown>>

  beforeAll(async () => {
    const run = await trainSmallModel([`source.time_zone=${ZONE}`])
    server = await startVigiaServer(folder, [`model.source=${run}`])
    const first = await decideFirst(server.port)
    decisions = first.decisions
    got = await askInPython('ask_as_clients.py', [], { ...first.asked, zone: ZONE })
  }, 300_000)

  afterAll(async () => {
    // Killed, it would leave the folder of the bodies that it read.
    await server?.stop()
    await killVigiaServers()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    'triton bytes',
    'triton JSON',
    'triton bytes, answers in JSON',
    'triton transactions',
    'triton features',
    'triton features in JSON',
  ])('%s: every probability and risk level is that of POST /predict', (way) =>
    expect(got[way]).toEqual([probabilities(), decisions.map(({ risk_level }) => risk_level)]),
  )

  test.each([
    'triton async',
    'triton asyncio',
    'kserve bytes',
    'kserve JSON',
    'kserve v1',
    'mlflow',
    'mlflow, times with a zone',
    'mlflow, times without a zone',
    'text/csv, times with a zone',
    'text/csv, times without a zone',
    'application/vnd.apache.parquet, times with a zone',
    'application/vnd.apache.parquet, times without a zone',
    'lines',
  ])('%s: every probability is that of POST /predict', (way) => expect(got[way]).toEqual(probabilities()))

  test('features that were rounded to single precision give nearly the same', () => {
    const [rounded] = got['triton features, FP32'] as readonly (readonly number[])[]
    for (const [row, probability] of probabilities().entries())
      expect(Math.abs(rounded![row]! - probability)).toBeLessThan(0.05)
  })

  test('what clients ask beside decisions is answered, and errors are texts that they show', () => {
    const { name, version } = decisions[0]!.model
    const ready = [true, true, true]
    expect(got).toMatchObject({
      'triton ready': ready,
      'triton metadata': name,
      'triton config': 'TYPE_FP64',
      'triton extensions': expect.arrayContaining(['binary_tensor_data']),
      'triton index': [{ name, version, state: 'READY', reason: '' }],
      'triton errors': [
        expect.stringContaining('SERVING_MODEL_UNKNOWN'),
        expect.stringContaining('REQUEST_ROUTE_UNKNOWN'),
        expect.stringContaining('REQUEST_TRANSACTION_INVALID'),
      ],
      'triton rows': 8 * TRANSACTIONS.length,
      'kserve ready': ready,
      'kserve v1 ready': [true, true],
      'kserve error': expect.stringContaining('SERVING_MODEL_UNKNOWN'),
    })
  })

  const probabilities = () => decisions.map(({ probability }) => probability)
})
