import { expect, test } from 'vitest'
import { createMemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import { DAY_MS, finding, lookOf, openDesk, SETTINGS } from './alerts.test-kit.ts'

const CRITICAL = finding('critical')
const REASON = 'the environment variable PAGER_KEY, which has its secret, is not set'

/** A desk whose pager has no secret in one process, and one in another. */
const withBrokenPager = () => {
  const desk = openDesk()
  const pager = createMemoryAlertChannel('pager')
  const channels = [desk.channel, pager]
  return {
    desk,
    pager,
    server: desk.another({ channels, broken: new Map([['pager', REASON]]) }),
    mended: desk.another({ channels }),
  }
}

test('messages of a broken channel wait, the other channels get theirs and hear of it, once', async () => {
  const { desk, pager, server } = withBrokenPager()
  await server.reportChannels()
  await server.look(lookOf('a', [CRITICAL]))
  for (let turn = 0; turn < 5; turn++) {
    await server.passTime()
    await server.deliver()
  }
  expect(desk.channel.received.map(({ dedupKey, summary }) => [dedupKey, summary])).toEqual([
    ['vigia/fraud/drift/all', 'drift is critical'],
    ['vigia/fraud/delivery/pager', `The channel pager does not take alerts: ${REASON}`],
  ])
  const { outbox, broken } = await server.book()
  expect([...outbox.values()].map(({ channel, attempts }) => [channel, attempts])).toEqual([['pager', 0]])
  expect([...broken]).toEqual([['pager', REASON]])
  expect(pager.attempts).toEqual([])
})

test('with its secret it takes what waited, and the alert about it is over', async () => {
  const { desk, pager, server, mended } = withBrokenPager()
  await server.reportChannels()
  await server.look(lookOf('a', [CRITICAL]))
  await server.passTime()
  await server.deliver()
  await mended.reportChannels()
  await mended.deliver()
  expect(pager.received.map(({ reason }) => reason)).toEqual(['fired'])
  expect(desk.channel.received.at(-1)).toMatchObject({ kind: 'delivery', reason: 'resolved' })
  expect((await mended.book()).broken.size).toBe(0)
})

test('another process that can send through it does, and it is broken no more', async () => {
  const { pager, server, mended } = withBrokenPager()
  await server.reportChannels()
  await server.look(lookOf('a', [CRITICAL]))
  await mended.deliver()
  expect(pager.received).toHaveLength(1)
  expect((await server.book()).broken.size).toBe(0)
})

test('that nothing is new is not written again', async () => {
  const { desk, server } = withBrokenPager()
  await server.reportChannels()
  const { length } = desk.place.lines
  await server.reportChannels()
  expect(desk.place.lines).toHaveLength(length)
  expect((await server.book()).audit.map(({ did, detail }) => [did, detail])).toEqual([
    ['found broken', `pager: ${REASON}`],
  ])
})

test('what waits for it for three days is a dead letter', async () => {
  const { desk, server } = withBrokenPager()
  await server.look(lookOf('a', [CRITICAL]))
  desk.pass(3 * DAY_MS + 1)
  await server.deliver()
  expect([...(await server.book()).dead.values()]).toMatchObject([
    { channel: 'pager', reason: `the channel is broken: ${REASON}` },
  ])
})

test('a channel that hangs holds up no message of another', async () => {
  const desk = openDesk()
  const hanging: AlertChannel = { name: 'hanging', send: () => new Promise(() => undefined) }
  const center = desk.another({ channels: [hanging, desk.channel] })
  await center.look(lookOf('a', [CRITICAL, finding('critical', { segment: 'country=ES' })]))
  void center.deliver()
  await new Promise(setImmediate)
  expect(desk.channel.received).toHaveLength(2)
})

test('what a slow channel refuses at last, the others hear of by the same call', async () => {
  const desk = openDesk()
  const slow: AlertChannel = {
    name: 'slow',
    send: async () => {
      await new Promise(setImmediate)
      return { kind: 'refused', reason: 'no such room' }
    },
  }
  const center = desk.another({ channels: [desk.channel, slow] })
  await center.look(lookOf('a', [CRITICAL]))
  await center.deliver()
  expect(desk.channel.received.map(({ dedupKey }) => dedupKey)).toEqual([
    'vigia/fraud/drift/all',
    'vigia/fraud/delivery/slow',
  ])
})

test('the journal, written anew, holds what is over for as long as it is to be kept; the rest is history', async () => {
  const keep = { historyMs: 100 * DAY_MS, deadLettersMs: 30 * DAY_MS }
  const desk = openDesk({ settings: { ...SETTINGS, keep } })
  const begunMs = desk.now()
  desk.channel.answerWith({ kind: 'refused', reason: 'no such room' })
  await desk.look(CRITICAL)
  desk.channel.answerWith({ kind: 'delivered' })
  const untilMs = begunMs + 5 * DAY_MS
  const plan = {
    id: 'night',
    model: '*',
    kind: '*',
    segment: '*',
    fromMs: begunMs,
    untilMs,
    reason: 'x',
    by: 'ana',
  }
  await desk.center.plan(plan)
  for (let i = 0; i < 900; i++) await desk.look(i % 7 === 0 ? CRITICAL : finding('none'))
  const history = desk.place.history.map((line) => JSON.parse(line))
  expect(history[0].audit).toMatchObject({ did: 'ok to firing', atMs: begunMs + DAY_MS })
  expect(history.filter(({ dead }) => dead !== undefined)).toHaveLength(1)
  // A handle that begins from the entry that replaced all.
  const { audit, dead, planned, states } = await desk.another().book()
  const told = history.flatMap(({ audit: record }) => (record === undefined ? [] : [record]))
  expect([...told, ...audit]).toEqual([...told, ...audit].toSorted((a, b) => a.atMs - b.atMs))
  expect(audit.some(({ did }) => did === 'planned a silence')).toBe(false)
  expect(told.filter(({ did }) => did === 'planned a silence')).toHaveLength(1)
  expect([dead.size, planned.size, states.size > 0]).toEqual([0, 0, true])
})
