import { expect, test } from 'vitest'
import { createMemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
import { DAY_MS, finding, lookOf, openDesk } from '../alerts/alerts.test-kit.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import { type AlertLoop, keepAlerting } from './keep-alerting.ts'

const HOUR_MS = 3_600_000

test('what is due is sent as time passes: the alarm, refreshes, the missing look', async () => {
  const room = createMemoryAlertChannel('room', 60_000)
  const { pass, end, troubles } = await keepingWith([room])
  await pass(3 * DAY_MS, HOUR_MS)
  await end()
  const reasons = room.attempts.map(({ kind, reason }) => `${kind} ${reason}`)
  expect(reasons[0]).toBe('drift fired')
  expect(reasons).toContain('drift refreshed')
  expect(reasons).toContain('monitoring fired')
  expect(troubles).toEqual([])
})

test('without channels a look that does not come fires all the same, once there is anything to keep', async () => {
  let isEmpty = true
  const { center, pass, end } = await keepingWith([], { isEmpty: () => isEmpty })
  const kinds = async () => [...(await center.book()).states.values()].map(({ kind }) => kind)
  await pass(3 * DAY_MS, HOUR_MS)
  expect(await kinds()).toEqual(['drift'])
  isEmpty = false
  await pass(HOUR_MS, HOUR_MS)
  expect(await kinds()).toEqual(['drift', 'monitoring'])
  await end()
})

test('a channel that hangs holds up neither the next message of another, nor its refreshes, nor signs of life', async () => {
  const room = createMemoryAlertChannel('room', 60_000)
  const { center, pass, end, beats } = await keepingWith([hanging('slow'), room])
  await pass(1_000, 1_000)
  await center.look(lookOf('tuesday', [finding('critical', { segment: 'country=ES' })]))
  await pass(600_000, 1_000)
  expect(room.received.filter(({ reason }) => reason === 'fired')).toHaveLength(2)
  expect(room.attempts.filter(({ reason }) => reason === 'refreshed').length).toBeGreaterThan(5)
  expect(beats.slice(1).map((at, i) => at - beats[i]!)).toEqual([300_000, 300_000])
  // It would wait for the one that hangs.
  void end()
})

test('while alerts cannot be read nothing says that they are well', async () => {
  const { pass, end, beats, troubles, breakJournal } = await keepingWith([])
  await pass(1_000, 1_000)
  expect(beats).toHaveLength(1)
  breakJournal()
  await pass(900_000, 1_000)
  expect(beats).toHaveLength(1)
  expect(new Set(troubles)).toEqual(new Set(['no space']))
  await end()
})

test('trouble is told once while it lasts, and the loop goes on', async () => {
  const room = createMemoryAlertChannel('room', 60_000)
  const refusing = { beat: async () => ({ kind: 'retry', reason: 'nobody there' }) as const }
  const { pass, end, troubles } = await keepingWith([room], { heartbeat: { to: refusing, everyMs: 60_000 } })
  await pass(600_000, 1_000)
  expect(troubles).toEqual(['nobody there'])
  expect(room.attempts.length).toBeGreaterThan(4)
  await end()
})

test('the end waits for the message under way, and begins no other', async () => {
  let answer: () => void = () => undefined
  const sent: string[] = []
  const slow: AlertChannel = {
    name: 'slow',
    send: async ({ segment }) => {
      sent.push(segment)
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return { kind: 'delivered' }
    },
  }
  const { center, pass, end } = await keepingWith([slow])
  await center.look(lookOf('tuesday', [finding('critical', { segment: 'country=ES' })]))
  await pass(10_000, 1_000)
  let isOver = false
  const ended = end().then(() => {
    isOver = true
  })
  await new Promise(setImmediate)
  expect(isOver).toBe(false)
  answer()
  await ended
  expect(sent).toEqual([''])
})

const hanging = (name: string): AlertChannel => ({ name, send: () => new Promise(() => undefined) })

/** Alerts that are kept going on a clock of the test, with one that fires. */
const keepingWith = async (
  channels: readonly AlertChannel[],
  options: Pick<AlertLoop, 'heartbeat' | 'isEmpty'> = {},
) => {
  const desk = openDesk()
  const journal = desk.place.open()
  let isFull = false
  const center = desk.another({
    channels,
    journal: {
      location: 'memory',
      transact: async (work) => {
        if (isFull) throw new Error('no space')
        return journal.transact(work)
      },
    },
  })
  await center.look(lookOf('monday', [finding('critical')]))
  const troubles: string[] = []
  const beats: number[] = []
  const sleepers: { readonly untilMs: number; readonly wake: () => void }[] = []
  const stop = keepAlerting({
    center,
    channels: channels.map(({ name }) => name),
    heartbeat: { everyMs: 300_000, to: { beat: async () => ({ kind: 'delivered' }) } },
    now: desk.now,
    onTrouble: (reason) => troubles.push(reason),
    onBeat: (atMs) => beats.push(atMs),
    pause: (ms) =>
      new Promise((wake) => {
        sleepers.push({ untilMs: desk.now() + ms, wake })
      }),
    ...options,
  })
  return {
    center,
    troubles,
    beats,
    breakJournal: () => {
      isFull = true
    },
    /** So much time, step by step; whoever sleeps is woken in the step in which it is time. */
    pass: async (ms: number, stepMs: number) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await new Promise(setImmediate)
        desk.pass(stepMs)
        const due = sleepers.filter(({ untilMs }) => untilMs <= desk.now())
        for (const sleeper of due) sleepers.splice(sleepers.indexOf(sleeper), 1)[0]!.wake()
      }
      await new Promise(setImmediate)
    },
    end: () => {
      const ended = stop()
      for (const { wake } of sleepers.splice(0)) wake()
      return ended
    },
  }
}
