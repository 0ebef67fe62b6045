import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { snapshotStates } from '../../src/decisions/log/features-of-log.ts'
import { createLogFeatures } from '../../src/decisions/log/log-features.ts'
import { layoutFolder, readLogLayouts } from '../../src/decisions/log/log-layouts.ts'
import { withLoggedEntries } from '../../src/decisions/log/logged-entries.ts'
import { listSnapshots, usable } from '../../src/decisions/log/state-snapshots.ts'
import { createScorer } from '../../src/model/scorer.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { ANY_SPEED, ask, startLoad } from './steady-load.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * A shadow with other windows than the champion, with real processes: what it says of each decision is, to
 * the last bit, what a replay of the log into its layout gives, over a kill, and the champion decides as
 * ever.
 */

let old: string
let wide: string
beforeAll(async () => {
  old = await trainSmallModel()
  wide = await trainSmallModel(['features.windows=[10m,2h,3d]'])
})
const home = mkdtempSync(join(tmpdir(), 'vigia-layout-shadow-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(home, { recursive: true, force: true }))

test('a shadow with other windows says of every decision what an offline replay gives, over a kill under load', async () => {
  const place = join(home, 'shop')
  mkdirSync(place)
  const settings = [`model.source=${old}`, 'prediction_log.segment_size=1', ...ANY_SPEED]
  let server = await startVigiaServer(place, settings)
  const address = () => ['--server', `http://127.0.0.1:${server.port}`]
  const history = startLoad(server, 1)
  await history.atLeast(800)
  expect(await ask(server, '/admin/models/shadow', { source: wide })).toMatchObject({
    error: { code: 'SERVING_SHADOW_WITHOUT_STATES' },
  })
  const made = await runVigia(place, ['state', 'migrate', '--to', wide, ...address()])
  expect(made, made.stderr).toMatchObject({ status: 0 })
  expect(await ask(server, '/admin/models/shadow', { source: wide })).toMatchObject({
    models: [{ role: 'champion' }, { role: 'shadow', source: wide }],
  })
  await ask(server, '/predict', smallTransaction(500_000))
  await history.atLeast(history.sent() + 1500)
  expect(history.failed()).toEqual([])
  await server.kill()
  await history.stop()

  // The choice stands: the shadow goes on where it was.
  server = await startVigiaServer(place, settings)
  expect(await roles(server)).toEqual([`champion ${old}`, `shadow ${wide}`])
  const later = startLoad(server, 100_001)
  await later.atLeast(1500)
  const refused = await runVigia(place, ['state', 'migrate', '--drop', await layoutOf(server), ...address()])
  expect(refused).toMatchObject({ stderr: expect.stringContaining('is scored by them') })
  await later.stop()
  expect(later.failed()).toEqual([])
  await ask(server, '/save-logs', {})
  expect(await get(server, '/predictions/small-500000')).toMatchObject({
    shadow: { probability: expect.any(Number) },
  })
  expect(await metric(server, 'vigia_shadow_predictions_total')).toBeGreaterThan(1000)
  expect(await server.stop()).toBe(0)

  const { compared, missing, differing } = await compareShadow(join(place, '.vigia', 'log'))
  process.stdout.write(`shadow: ${compared} decisions, ${missing} missing, ${differing} differ\n`)
  expect(compared).toBeGreaterThan(2000)
  expect({ missing, differing }).toEqual({ missing: 0, differing: 0 })
  const parity = await runVigia(place, ['parity', '--json'])
  expect(parity, parity.stdout).toMatchObject({ status: 0 })
})

test('a server whose store was restored without the states of its shadow decides, says so, and goes on with it once they follow', async () => {
  const place = join(home, 'restored')
  mkdirSync(place)
  const settings = [`model.source=${old}`, `model.shadow=${wide}`, ...ANY_SPEED]
  let server = await startVigiaServer(place, settings)
  const migrate = () =>
    runVigia(place, ['state', 'migrate', '--to', wide, '--server', `http://127.0.0.1:${server.port}`])
  const shadow = async () => {
    const { models } = (await get(server, '/model')) as { readonly models: readonly object[] }
    return models[1]
  }
  // Named before there are any states of its layout: it waits for them.
  expect(await shadow()).toMatchObject({ role: 'shadow', unscored: expect.stringContaining('no states') })
  await ask(server, '/predict', smallTransaction(1))
  expect(await migrate()).toMatchObject({ status: 0 })
  expect(await shadow()).not.toHaveProperty('unscored')
  await ask(server, '/predict', smallTransaction(2))
  expect(await server.stop()).toBe(0)

  rmSync(join(place, '.vigia', 'state'), { recursive: true })
  const restored = await runVigia(place, ['state', 'restore', '--set', settings[0]!])
  expect(restored, restored.stderr).toMatchObject({ status: 0 })
  server = await startVigiaServer(place, settings)
  expect(await ask(server, '/predict', smallTransaction(3))).toMatchObject({ transaction_id: 'small-3' })
  expect(await shadow()).toMatchObject({ unscored: expect.stringContaining('no states') })
  expect(await metric(server, 'vigia_shadow_unscored')).toBe(1)
  expect(await metric(server, 'vigia_warnings_total')).toBe(1)
  expect(await migrate()).toMatchObject({ status: 0 })
  expect(await metric(server, 'vigia_shadow_unscored')).toBe(0)
  await ask(server, '/predict', smallTransaction(4))
  await ask(server, '/save-logs', {})
  expect(await get(server, '/predictions/small-3')).not.toHaveProperty('shadow')
  expect(await get(server, '/predictions/small-4')).toMatchObject({
    shadow: { probability: expect.any(Number) },
  })
})

/** Compares what the log says of the shadow with a replay from the states that its layout began with. */
const compareShadow = async (
  log: string,
): Promise<Readonly<Record<'compared' | 'missing' | 'differing', number>>> => {
  const scorer = createScorer(await readArtifact(join(wide, 'package')))
  const [begun] = (await readLogLayouts(openLogReader(log)))!.begun
  const { layoutKey, founder, after } = begun!
  const snapshots = usable(await listSnapshots(layoutFolder(log, layoutKey)))
  const snapshot = snapshots.find(({ manifest }) => manifest.sequence === after)!
  let [compared, missing, differing] = [0, 0, 0]
  let isShadowed = false
  const database = { threads: 1, memoryLimit: '256MB', tempDirectory: join(home, '.spill') }
  const options = { folders: [log], openLog: openLogReader, workFolder: home, work: { database }, after }
  await withLoggedEntries(options, async ({ entries, modelOf }) => {
    const model = await modelOf(founder)
    const features = createLogFeatures(model, snapshotStates(model, snapshot, { folders: [log] }))
    const places = scorer.featureNames.map((name) => model.computed.indexOf(name))
    for await (const entry of entries) {
      if (entry.kind === 'label') features.applyLabel(entry.label)
      if (entry.kind !== 'decision') continue
      const { transaction, timing, shadow } = entry.decision
      const vector = features.createAllFeatures(model, transaction, timing)!
      const probability = scorer.scoreOne(Float64Array.from(places, (at) => vector[at]!))
      // Asked after the shadow was set: from there on none may be missing.
      isShadowed ||= transaction.transactionId === 'small-500000'
      if (!isShadowed) continue
      compared++
      if (shadow === undefined) missing++
      else if (!Object.is(shadow.probability, probability)) differing++
    }
  })
  return { compared, missing, differing }
}

const get = async ({ port }: VigiaServer, path: string): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).json()

const roles = async (server: VigiaServer): Promise<readonly string[]> => {
  const { models } = (await get(server, '/admin/models')) as {
    readonly models: readonly { readonly role: string; readonly source: string }[]
  }
  return models.map(({ role, source }) => `${role} ${source}`)
}

const layoutOf = async (server: VigiaServer): Promise<string> => {
  const { branches } = (await get(server, '/admin/state/branches')) as {
    readonly branches: readonly { readonly layout: string }[]
  }
  return branches[0]!.layout
}

/** Sum over all labels, where there are any. */
const metric = async ({ port }: VigiaServer, name: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
