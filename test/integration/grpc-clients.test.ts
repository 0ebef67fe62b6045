import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import {
  askInPython,
  CLIENTS,
  type Decision,
  decideFirst,
  MLFLOW_PYTHON,
  TRANSACTIONS,
} from './clients-of-others.ts'
import { freePort } from './redis-server.ts'
import { trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const KEY = 'of the shop'

/** Triton's and KServe's clients for gRPC, as the package index has them, ask a server with keys. */
describe.skipIf(MLFLOW_PYTHON === undefined)(`clients by gRPC (${CLIENTS})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-grpc-clients-'))
  let server: VigiaServer
  let decisions: readonly Decision[]
  let triton: Readonly<Record<string, unknown>>
  let kserve: Readonly<Record<string, unknown>>

  beforeAll(async () => {
    const keys = join(folder, 'keys.json')
    writeFileSync(keys, JSON.stringify([{ name: 'shop', sha256: sha256(KEY), scopes: ['predict', 'read'] }]))
    const port = await freePort()
    const settings = [
      `model.source=${await trainSmallModel()}`,
      `security.keys=${keys}`,
      `api.grpc_port=${port}`,
    ]
    server = await startVigiaServer(folder, settings)
    const first = await decideFirst(server.port, KEY)
    decisions = first.decisions
    const asked = { ...first.asked, port }
    triton = await askInPython('ask_by_grpc.py', ['triton'], asked)
    kserve = await askInPython('ask_by_grpc.py', ['kserve'], asked)
  }, 300_000)

  afterAll(async () => {
    await server?.stop()
    await killVigiaServers()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['columns', 'transactions', 'features'])(
    "Triton's, by %s: every probability and risk level is that of POST /predict",
    (way) => expect(triton[way]).toEqual([probabilities(), decisions.map(({ risk_level }) => risk_level)]),
  )

  test.each(['async', 'asyncio'])("Triton's, %s: every probability is that of POST /predict", (way) =>
    expect(triton[way]).toEqual(probabilities()),
  )

  test.each(['columns', 'lists'])("KServe's, by %s: every probability is that of POST /predict", (way) =>
    expect(kserve[way]).toEqual(probabilities()),
  )

  test('what clients ask beside decisions is answered, and errors have the codes that they know', () => {
    const { name, version } = decisions[0]!.model
    const ready = [true, true, true]
    expect(triton).toMatchObject({
      ready,
      metadata: 'vigia',
      config: 'TYPE_FP64',
      extensions: expect.arrayContaining(['statistics']),
      index: [{ name, version, state: 'READY' }],
      rows: 5 * TRANSACTIONS.length,
      health: 'SERVING',
      errors: [
        expect.stringMatching(/^StatusCode.UNAUTHENTICATED REQUEST_KEY_MISSING/),
        expect.stringMatching(/^StatusCode.NOT_FOUND SERVING_MODEL_UNKNOWN/),
        expect.stringMatching(/^StatusCode.UNIMPLEMENTED /),
        expect.stringMatching(/^StatusCode.INVALID_ARGUMENT REQUEST_TRANSACTION_INVALID/),
        expect.stringMatching(/^StatusCode.UNIMPLEMENTED .*compression/),
      ],
    })
    expect(kserve).toMatchObject({
      ready,
      errors: [
        expect.stringMatching(/^NOT_FOUND SERVING_MODEL_UNKNOWN/),
        expect.stringMatching(/^UNAUTHENTICATED REQUEST_KEY_MISSING/),
      ],
    })
  })

  const probabilities = () => decisions.map(({ probability }) => probability)
})
