import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const place = mkdtempSync(join(tmpdir(), 'vigia-migrate-offline-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(place, { recursive: true, force: true }))

test('states of another layout are made while no server runs: the next start has them follow, one switch lets them decide, parity finds no difference', async () => {
  const old = await trainSmallModel()
  const wide = await trainSmallModel(['features.windows=[10m,2h,3d]'])
  const settings = [`model.source=${old}`]
  let server = await startVigiaServer(place, settings)
  await decide(server, 0, 200)
  expect(await server.stop()).toBe(0)

  const nobody = ['--set', `api.port=${await freePort()}`, '--json']
  const make = ['state', 'migrate', '--to', wide, ...nobody]
  const made = await runVigia(place, make)
  expect(made, made.stderr).toMatchObject({ status: 0 })
  const { built, isServed } = JSON.parse(made.stdout) as Made
  expect({ ...built, isServed }).toMatchObject({ known: 0, isExtended: false, isServed: false })
  // Labels of the training fell due beside what was asked.
  expect(built.through).toBeGreaterThanOrEqual(240)
  expect(built.taken).toBe(built.through)
  const again = await runVigia(place, make)
  expect(JSON.parse(again.stdout), again.stderr).toMatchObject({ built: { taken: 0, isExtended: true } })
  // Nobody is there to switch.
  expect(await runVigia(place, [...make, '--switch'])).toMatchObject({ status: 1 })

  server = await startVigiaServer(place, settings)
  expect(await got(server, '/admin/state/branches')).toMatchObject({
    branches: [{ source: null, decided_through: null, failure: '' }],
  })
  await decide(server, 200, 250)
  const back = ['state', 'migrate', '--back', '--server', `http://127.0.0.1:${server.port}`]
  const refused = await runVigia(place, back)
  expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('have decided nothing')])
  expect(await sent(server, '/admin/models/switch', { source: wide })).toMatchObject({
    models: [{ source: wide }],
    layout_pause_ms: expect.any(Number),
  })
  // The same layout goes on.
  expect(await sent(server, '/admin/models/reload', {})).not.toHaveProperty('layout_pause_ms')
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
  expect(metrics).toMatch(/^vigia_layout_pauses_total 1$/m)
  expect(metrics).toMatch(/^vigia_layout_last_pause_seconds 0\.\d+/m)
  await decide(server, 250, 300)
  expect(await server.stop()).toBe(0)

  const repaired = await runVigia(place, ['state', 'repair', '--dry-run', ...nobody])
  expect(JSON.parse(repaired.stdout), repaired.stderr).toMatchObject({
    states: [],
    layouts: [
      { isDeciding: false, after: 0 },
      { isDeciding: true, after: built.through },
    ],
  })
  const verified = await runVigia(place, ['log', 'verify', '--json'])
  expect(JSON.parse(verified.stdout)).toMatchObject([{ isWhole: true, snapshots: 1 }])
  const parity = JSON.parse((await runVigia(place, ['parity', '--json'])).stdout) as Compared[]
  expect(parity.map(({ report, unchecked }) => ({ ...report, unchecked }))).toMatchObject([
    { rows: 250, differing: [], missing: 0, extra: 0, unchecked: 0 },
    { rows: 50, differing: [], missing: 0, extra: 0, unchecked: 0 },
  ])
})

interface Made {
  readonly isServed: boolean
  readonly built: { readonly through: number; readonly taken: number }
}

interface Compared {
  readonly report: object
  readonly unchecked: number
}

/** Decides on the transactions of these numbers, the last exclusive, and tells the label of every fifth. */
const decide = async (server: VigiaServer, from: number, to: number): Promise<void> => {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i)
  const transactions = numbers.map((n) => smallTransaction(n))
  expect(await sent(server, '/predict/batch', { transactions })).toHaveProperty('predictions')
  const labels = numbers
    .filter((n) => n % 5 === 0)
    .map((n) => ({ transaction_id: `small-${n}`, is_fraud: n % 3 === 0 }))
  await sent(server, '/feedback', { labels })
}

const got = async ({ port }: VigiaServer, path: string): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).json()

const sent = async ({ port }: VigiaServer, path: string, body: object): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  expect(response.status, JSON.stringify(answer)).toBe(200)
  return answer
}

/** One on which nobody listens. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
