import { expect, test } from 'vitest'
import { createMemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
import { DAY_MS, finding, lookOf, openDesk } from '../alerts/alerts.test-kit.ts'
import { keepAlerting } from './keep-alerting.ts'

/** Runs so many turns, a step of time before each. */
const turnsOf = async (turns: number, stepMs: number, changes: object = {}) => {
  const desk = openDesk()
  const channel = createMemoryAlertChannel('room', 60_000)
  const center = desk.another({ channels: [channel] })
  await center.look(lookOf('monday', [finding('critical')]))
  const troubles: string[] = []
  const beats: number[] = []
  let left = turns
  await new Promise<void>((resolve) => {
    const stop = keepAlerting({
      center,
      heartbeat: {
        everyMs: 300_000,
        to: {
          beat: async ({ atMs }) => {
            beats.push(atMs)
            return { kind: 'delivered' }
          },
        },
      },
      now: desk.now,
      onTrouble: (reason) => troubles.push(reason),
      pause: async () => {
        desk.pass(stepMs)
        if (--left === 0) void stop().then(resolve)
        await new Promise((next) => setImmediate(next))
      },
      ...changes,
    })
  })
  return { channel, troubles, beats }
}

test('each turn sends what is due: the alarm, refreshes, the missing look', async () => {
  const { channel, troubles } = await turnsOf(10, DAY_MS / 4)
  const reasons = channel.attempts.map(({ kind, reason }) => `${kind} ${reason}`)
  expect(reasons[0]).toBe('drift fired')
  expect(reasons).toContain('drift refreshed')
  expect(reasons).toContain('monitoring fired')
  expect(troubles).toEqual([])
})

test('signs of life come as often as they should', async () => {
  const { beats } = await turnsOf(21, 60_000)
  expect(beats.slice(1).map((at, i) => at - beats[i]!)).toEqual([300_000, 300_000, 300_000, 300_000])
})

test('trouble is told once while it lasts, and the loop goes on', async () => {
  const heartbeat = {
    everyMs: 0,
    to: { beat: async () => ({ kind: 'retry', reason: 'nobody there' }) as const },
  }
  const { channel, troubles } = await turnsOf(5, 60_000, { heartbeat })
  expect(troubles).toEqual(['nobody there'])
  expect(channel.attempts.length).toBeGreaterThan(4)
})
