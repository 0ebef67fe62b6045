import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type LoadSite, openLoadSite } from '../integration/load-site.ts'
import { expectAllLogged } from '../integration/served-log.ts'

/**
 * How fast a server is at twice of what it can do, and after it. It needs a machine with nothing else to do;
 * what holds on any machine is in test/integration/serving-load.test.ts.
 */
let site: LoadSite
beforeAll(async () => {
  site = await openLoadSite([[]])
})
afterAll(() => site?.remove())

test('at twice of what it can do it answers in time what it lets in, and recovers', async () => {
  const { server, home } = await site.start('overload', ['limits.requests_in_flight=32'])
  const first = await site.load(server, { requests: 3000, connections: 24 })
  expect(first.statuses).toEqual({ 200: 3000 })
  const saturated = await site.load(server, { requests: 6000, from: 3000, connections: 24 })
  expect(saturated.statuses).toEqual({ 200: 6000 })
  const seconds = 6
  const rate = Math.round(saturated.perSecond * 2)
  const over = await site.load(server, { from: 20_000, rate, seconds, connections: 300 })
  expect(Object.keys(over.statuses).sort()).toEqual(['200', '503'])
  expect(over.withoutRetryAfter).toBe(0)
  expect([over.failed, over.unanswered]).toEqual([0, 0])
  // It goes on deciding, a good part of what it could.
  expect(over.statuses['200']! / seconds).toBeGreaterThan(saturated.perSecond / 5)
  // What it let in did not wait behind what came after it. (Offered more than even refusing can be done,
  // requests wait in their clients.)
  expect(over.serverMs!.p99).toBeLessThan(2000)
  await eventually(async () =>
    expect((await site.load(server, { from: 1_000_000, requests: 100, connections: 8 })).statuses).toEqual({
      200: 100,
    }),
  )
  const after = await site.load(server, { from: 2_000_000, requests: 3000, connections: 24 })
  expect(after.statuses).toEqual({ 200: 3000 })
  expect(after.perSecond).toBeGreaterThan(saturated.perSecond / 5)
  expect(after.serverMs!.p50).toBeLessThan(100)
  await expectAllLogged(server, home, 3000 + 6000 + over.statuses['200']! + 100 + after.statuses['200']!)
})
