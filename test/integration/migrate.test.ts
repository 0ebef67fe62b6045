import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { ANY_SPEED, ask, startLoad } from './steady-load.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * A model of another feature layout is brought into service beside a server that decides meanwhile, with real
 * processes: nothing that is asked fails, and every value of every decision comes out again.
 */

let old: string
let wide: string
beforeAll(async () => {
  old = await trainSmallModel()
  wide = await trainSmallModel(['features.windows=[10m,2h,3d]'])
})
const home = mkdtempSync(join(tmpdir(), 'vigia-migrate-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(home, { recursive: true, force: true }))

test('a model with other windows takes over under load, survives a kill, goes back and is ended: no request fails, parity finds no difference', async () => {
  const place = join(home, 'shop')
  mkdirSync(place)
  const settings = [`model.source=${old}`, 'prediction_log.segment_size=1', ...ANY_SPEED]
  let server = await startVigiaServer(place, settings)
  const history = startLoad(server, 1)
  await history.atLeast(1000)
  await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })
  const address = () => ['--server', `http://127.0.0.1:${server.port}`]

  const moved = await runVigia(place, ['state', 'migrate', '--to', wide, '--switch', ...address(), '--json'])
  expect(moved, moved.stderr).toMatchObject({ status: 0 })
  expect(JSON.parse(moved.stdout)).toMatchObject({ isServed: true, isSwitched: true })
  const atSwitch = history.sent()
  await history.atLeast(atSwitch + 500)
  await history.stop()
  expect(history.failed()).toEqual([])
  const [before] = await branches(server)
  expect(before).toMatchObject({ source: old, failure: '' })
  expect(await champion(server)).toBe(wide)
  // What was decided before is answered as before, and its label is taken.
  expect(await ask(server, '/predict', smallTransaction(7))).toMatchObject({ repeated: true })
  expect(await ask(server, '/feedback', { transaction_id: 'small-7', is_fraud: true })).toMatchObject({
    outcome: expect.stringMatching(/applied|late|unchanged/),
  })

  // The choice stands after a kill: those states decide, and the others follow.
  await server.kill()
  const verified = await runVigia(place, ['state', 'verify', '--set', `model.source=${wide}`])
  expect(verified, verified.stdout).toMatchObject({ status: 0 })
  // Made again from the log, they lie where they lay, and those of the other layout are left alone.
  const words = ['state', 'restore', '--force', '--set', `model.source=${wide}`, '--json']
  const restored = await runVigia(place, words)
  expect(restored, restored.stdout + restored.stderr).toMatchObject({ status: 0 })
  server = await startVigiaServer(place, settings)
  expect(await champion(server)).toBe(wide)
  expect(await branches(server)).toMatchObject([{ source: old, failure: '' }])
  expect(await ask(server, '/predict', smallTransaction(7))).toMatchObject({ repeated: true })
  const between = startLoad(server, 100_001)
  await between.atLeast(300)
  const back = await runVigia(place, ['state', 'migrate', '--back', ...address()])
  expect(back, back.stderr).toMatchObject({ status: 0 })
  const atReturn = between.sent()
  await between.atLeast(atReturn + 300)
  await between.stop()
  expect(between.failed()).toEqual([])
  expect(await champion(server)).toBe(old)
  process.stdout.write(
    `migrate: ${history.sent() + between.sent()} requests, ${history.failed().length + between.failed().length} failed; longest answer ${Math.max(history.longestMs(), between.longestMs()).toFixed(0)} ms, at the switches too\n`,
  )

  const [follower] = await branches(server)
  const folder = join(place, '.vigia', 'state', 'branches', follower!.layout)
  expect(existsSync(join(folder, 'data.mdb'))).toBe(true)
  const dropped = await runVigia(place, ['state', 'migrate', '--drop', follower!.layout, ...address()])
  expect(dropped, dropped.stderr).toMatchObject({ status: 0 })
  expect(existsSync(folder)).toBe(false)
  expect(await branches(server)).toEqual([])
  await ask(server, '/predict', smallTransaction(900_000))
  expect(await server.stop()).toBe(0)

  const parity = await runVigia(place, ['parity', '--json'])
  const compared = JSON.parse(parity.stdout) as Compared[]
  expect(compared).toHaveLength(2)
  for (const { report, unchecked } of compared)
    expect({ ...report, unchecked }).toMatchObject({ differing: [], missing: 0, extra: 0, unchecked: 0 })
  expect(compared.reduce((sum, { report }) => sum + report.rows, 0)).toBe(
    history.decided() + between.decided() + 1,
  )
  process.stdout.write(
    `migrate: parity of ${compared.map(({ model, report }) => `${report.rows} decisions, ${report.values} values of ${model.version}`).join(', ')}: 0 differ\n`,
  )
})

interface Compared {
  readonly model: { readonly version: string }
  readonly report: { readonly rows: number; readonly values: number }
  readonly unchecked: number
}

interface Branch {
  readonly layout: string
  readonly source: string
}

const branches = async ({ port }: VigiaServer): Promise<readonly Branch[]> => {
  const response = await fetch(`http://127.0.0.1:${port}/admin/state/branches`)
  return ((await response.json()) as { readonly branches: readonly Branch[] }).branches
}

const champion = async ({ port }: VigiaServer): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/admin/models`)
  return ((await response.json()) as { readonly models: readonly [{ source: string }] }).models[0].source
}
