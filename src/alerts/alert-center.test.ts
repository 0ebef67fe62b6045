import { describe, expect, test } from 'vitest'
import { createMemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
import { DAY_MS, finding, HOUR_MS, lookOf, openDesk, SETTINGS, START_MS } from './alerts.test-kit.ts'

const KEY = 'vigia/fraud/drift/all'
const CRITICAL = finding('critical')

describe('one message for each change', () => {
  test('thirty looks at one drift send one alarm and, when it is gone, one all-clear', async () => {
    const desk = openDesk({
      settings: { ...SETTINGS, rules: { ...SETTINGS.rules, firstReminderMs: 1e12, longestReminderMs: 1e12 } },
    })
    const sent: string[] = []
    for (let day = 0; day < 30; day++) sent.push(...(await desk.look(finding('severe'))))
    for (let day = 0; day < 5; day++) sent.push(...(await desk.look()))
    expect(sent).toEqual(['fired', 'resolved'])
    expect(new Set(desk.channel.received.map(({ dedupKey }) => dedupKey))).toEqual(new Set([KEY]))
  })

  test('a severe finding waits for a second look; a critical one does not', async () => {
    const desk = openDesk()
    expect(await desk.look(finding('severe'))).toEqual([])
    expect((await desk.center.book()).states.get(KEY)?.status).toBe('pending')
    expect(await desk.look(finding('severe'))).toEqual(['fired'])
    expect(await openDesk().look(CRITICAL)).toEqual(['fired'])
  })

  test('what was seen once and went sends nothing', async () => {
    const desk = openDesk()
    await desk.look(finding('severe'))
    expect(await desk.look()).toEqual([])
    expect((await desk.center.book()).states.get(KEY)?.status).toBe('ok')
  })

  test('what flaps goes on firing and is told once', async () => {
    const desk = openDesk()
    const sent = [...(await desk.look(CRITICAL))]
    for (let i = 0; i < 8; i++) {
      sent.push(...(await desk.look()), ...(await desk.look()))
      expect((await desk.center.book()).states.get(KEY)?.status).toBe('recovering')
      sent.push(...(await desk.look(CRITICAL)))
    }
    expect(sent.filter((reason) => reason !== 'reminder')).toEqual(['fired'])
    expect(sent).toHaveLength(1 + desk.channel.received.filter(({ reason }) => reason === 'reminder').length)
  })

  test('it is told when it gets worse, and when it eases for as many looks as it takes to recover', async () => {
    const desk = openDesk({
      settings: { ...SETTINGS, rules: { ...SETTINGS.rules, firstReminderMs: 1e12, longestReminderMs: 1e12 } },
    })
    await desk.look(finding('moderate'))
    expect(await desk.look(finding('moderate'))).toEqual(['fired'])
    expect(await desk.look(CRITICAL)).toEqual(['escalated'])
    expect(await desk.look(finding('moderate'))).toEqual([])
    expect(await desk.look(finding('severe'))).toEqual([])
    expect(await desk.look(finding('moderate'))).toEqual(['eased'])
    expect(
      desk.channel.received.map(({ severity, previousSeverity }) => [severity, previousSeverity]),
    ).toEqual([
      ['moderate', undefined],
      ['critical', 'moderate'],
      ['severe', 'critical'],
    ])
  })

  test('a look that is told twice counts once', async () => {
    const desk = openDesk()
    expect(await desk.center.look(lookOf('monday', [finding('severe')]))).toBe(true)
    expect(await desk.another().look(lookOf('monday', [finding('severe')]))).toBe(false)
    expect((await desk.center.book()).states.get(KEY)?.recent).toEqual(['severe'])
  })

  test('a new episode has a new id, and the same key', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    for (let i = 0; i < 3; i++) await desk.look()
    await desk.look(CRITICAL)
    const fired = desk.channel.received.filter(({ reason }) => reason === 'fired')
    expect(fired.map(({ dedupKey }) => dedupKey)).toEqual([KEY, KEY])
    expect(new Set(fired.map(({ episode }) => episode)).size).toBe(2)
    expect(new Set(desk.channel.received.map(({ id }) => id)).size).toBe(desk.channel.received.length)
  })

  test('segments are alerts of their own', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL, finding('critical', { segment: 'country=ES' }))
    expect(desk.channel.received.map(({ dedupKey }) => dedupKey)).toEqual([
      KEY,
      'vigia/fraud/drift/country=ES',
    ])
  })
})

describe('reminders', () => {
  test('come after 4, 8, 16, 32, 64 and then every 72 hours', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    const hours: number[] = []
    for (let hour = 1; hour <= 4 + 8 + 16 + 32 + 64 + 72 + 72; hour++) {
      // Looks come daily, or the dead man's switch would speak too.
      if (hour % 24 === 0) await desk.center.look(lookOf(`at ${hour}`, [CRITICAL]))
      if ((await desk.wait(1)).includes('reminder')) hours.push(hour)
    }
    expect(hours).toEqual([4, 12, 28, 60, 124, 196, 268])
  })

  test('stop when somebody takes the alert on, and come back when it is worse', async () => {
    const desk = openDesk()
    await desk.look(finding('moderate'))
    await desk.look(finding('moderate'))
    await desk.center.acknowledge(KEY, { by: 'ana' })
    expect(await desk.wait(40)).toEqual(['acknowledged'])
    expect(desk.channel.received.at(-1)).toMatchObject({ action: 'acknowledge', by: 'ana' })
    expect(await desk.look(CRITICAL)).toContain('escalated')
    expect(await desk.wait(5)).toEqual(['reminder'])
  })
})

describe('a silence', () => {
  const silenced = async (hours: number) => {
    const desk = openDesk()
    await desk.look(finding('severe'))
    const untilMs = desk.now() + hours * HOUR_MS
    await desk.center.silence(KEY, { untilMs, reason: 'migration', by: 'ana' })
    return desk
  }

  test('holds everything until its end, and what fires then is told once', async () => {
    const desk = await silenced(30)
    expect(await desk.look(CRITICAL)).toEqual([])
    expect(await desk.wait(5)).toEqual([])
    expect(await desk.wait(2)).toEqual(['fired'])
  })

  test('of an episode that begins and ends in it nothing is ever told', async () => {
    const desk = await silenced(24 * 30)
    expect(await desk.look(CRITICAL)).toEqual([])
    for (let i = 0; i < 4; i++) expect(await desk.look()).toEqual([])
    await desk.center.unsilence(KEY, { by: 'ana' })
    expect(await desk.wait(1)).toEqual([])
  })

  test('does not hold the end of what was told', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    await desk.center.silence(KEY, { untilMs: desk.now() + 90 * DAY_MS, reason: 'known', by: 'ana' })
    await desk.look()
    await desk.look()
    expect(await desk.look()).toEqual(['resolved'])
  })

  test('needs an end in the future, a reason, and an alert', async () => {
    const desk = await silenced(1)
    const at = (untilMs: number, reason: string) => desk.center.silence(KEY, { untilMs, reason, by: 'ana' })
    await expect(at(desk.now(), 'x')).rejects.toMatchObject({ code: 'ALERT_SILENCE_INVALID' })
    await expect(at(desk.now() + 1, ' ')).rejects.toMatchObject({ code: 'ALERT_SILENCE_INVALID' })
    await expect(at(desk.now() + 367 * DAY_MS, 'x')).rejects.toThrow(/longer than a year/)
    await expect(desk.center.unsilence('vigia/x', { by: 'ana' })).rejects.toMatchObject({
      code: 'ALERT_UNKNOWN',
      details: { known: KEY },
    })
    await expect(desk.center.acknowledge(KEY, { by: 'ana' })).rejects.toMatchObject({
      code: 'ALERT_NOT_FIRING',
    })
  })
})

describe('a data fault', () => {
  const BROKEN = finding('critical', { kind: 'data_quality', summary: 'amounts in cents' })

  test('holds back the drift that it causes', async () => {
    const desk = openDesk()
    expect(await desk.look(BROKEN, CRITICAL)).toEqual(['data_quality fired'])
    expect(await desk.look(BROKEN, CRITICAL)).not.toContain('fired')
    expect((await desk.center.book()).states.get(KEY)?.status).toBe('firing')
  })

  test('lets the drift through that is still there afterwards', async () => {
    const desk = openDesk()
    await desk.look(BROKEN, CRITICAL)
    await desk.look(CRITICAL)
    await desk.look(CRITICAL)
    expect((await desk.look(CRITICAL)).toSorted()).toEqual(['data_quality resolved', 'fired'])
  })

  test('holds back nothing of another model', async () => {
    const desk = openDesk()
    await desk.look(BROKEN)
    await desk.center.look({ ...lookOf('other', [CRITICAL]), model: 'other' })
    await desk.center.deliver()
    expect(desk.channel.received.map(({ dedupKey }) => dedupKey)).toContain('vigia/other/drift/all')
  })
})

describe("the dead man's switch", () => {
  test('fires when two looks did not come, and not before', async () => {
    const desk = openDesk()
    await desk.look()
    expect(await desk.wait(47)).toEqual([])
    expect(await desk.wait(1)).toEqual(['monitoring fired'])
    expect(desk.channel.received[0]).toMatchObject({
      dedupKey: 'vigia/fraud/monitoring/daily',
      severity: 'critical',
    })
    expect(await desk.wait(3)).toEqual([])
  })

  test('is held by a look that is taken again, which says nothing else', async () => {
    const desk = openDesk()
    await desk.center.look(lookOf('monday', [finding('severe')]))
    expect(await desk.wait(47)).toEqual([])
    expect(await desk.center.look(lookOf('monday', []))).toBe(false)
    expect(await desk.wait(47)).toEqual([])
    expect((await desk.center.book()).states.get(KEY)?.recent).toEqual(['severe'])
    expect(await desk.wait(1)).toEqual(['monitoring fired'])
  })

  test('is over with the next look', async () => {
    const desk = openDesk()
    await desk.look()
    await desk.wait(48)
    expect(await desk.look()).toEqual(['monitoring resolved'])
  })
})

describe('delivery', () => {
  test('is tried again with growing pauses, under the same id', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'retry', reason: 'busy' })
    await desk.look(CRITICAL)
    const pauses: number[] = []
    for (let i = 0; i < 12; i++) {
      const [message] = (await desk.center.book()).outbox.values()
      pauses.push(message!.notBeforeMs - desk.now())
      desk.pass(message!.notBeforeMs - desk.now())
      await desk.center.deliver()
    }
    pauses.forEach((pause, i) => {
      const whole = Math.min(900_000, 5000 * 2 ** Math.min(i, 20))
      expect(pause).toBeGreaterThanOrEqual(whole / 2)
      expect(pause).toBeLessThanOrEqual(whole)
    })
    expect(new Set(desk.channel.attempts.map(({ id }) => id)).size).toBe(1)
    expect(desk.channel.attempts).toHaveLength(13)
  })

  test('waits as long as the receiver asks for', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'retry', reason: 'busy', afterMs: 1_000_000 })
    await desk.look(CRITICAL)
    desk.pass(999_999)
    expect(await desk.center.deliver()).toEqual([])
    desk.pass(1)
    expect(await desk.center.deliver()).toHaveLength(1)
  })

  test('keeps the order of an alert: its end waits for its beginning', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'retry', reason: 'busy', afterMs: 10 * DAY_MS })
    const rules = { ...SETTINGS, retry: { ...SETTINGS.retry, giveUpMs: 100 * DAY_MS } }
    const patient = desk.another({ settings: rules })
    await patient.look(lookOf('a', [CRITICAL]))
    await patient.deliver()
    for (const id of ['b', 'c', 'd']) await patient.look(lookOf(id, []))
    await patient.deliver()
    expect(desk.channel.attempts.map(({ reason }) => reason)).toEqual(['fired'])
    desk.pass(10 * DAY_MS)
    desk.channel.answerWith({ kind: 'delivered' })
    await patient.deliver()
    expect(desk.channel.received.map(({ reason }) => reason)).toEqual(['fired', 'resolved'])
  })

  test('a message that is refused is a dead letter, and the other channels hear of it', async () => {
    const other = createMemoryAlertChannel('other')
    const desk = openDesk()
    const center = desk.another({ channels: [desk.channel, other] })
    desk.channel.answerWith({ kind: 'refused', reason: 'no such room' })
    await center.look(lookOf('a', [CRITICAL]))
    await center.deliver()
    expect([...(await center.book()).dead.values()]).toMatchObject([
      { channel: 'desk', reason: 'no such room' },
    ])
    expect(other.received.map(({ dedupKey }) => dedupKey)).toEqual([KEY, 'vigia/fraud/delivery/desk'])
    expect(other.received[1]?.summary).toContain('no such room')
    // The channel works again: that is told too.
    desk.channel.answerWith({ kind: 'delivered' })
    for (const id of ['b', 'c', 'd']) await center.look(lookOf(id, []))
    await center.deliver()
    expect(other.received.at(-1)).toMatchObject({ kind: 'delivery', reason: 'resolved' })
  })

  test('a message of three days is given up', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'retry', reason: 'nobody there' })
    await desk.look(CRITICAL)
    desk.pass(3 * DAY_MS)
    await desk.center.deliver()
    const [letter] = (await desk.center.book()).dead.values()
    expect(letter?.reason).toBe('given up after 2 attempts: nobody there')
  })

  test('a receiver that wants nothing more gets nothing more, until somebody says so', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'refused', reason: 'gone', disables: true })
    await desk.look(CRITICAL)
    desk.channel.answerWith({ kind: 'delivered' })
    await desk.look()
    await desk.look()
    await desk.look()
    expect(desk.channel.attempts).toHaveLength(1)
    await desk.center.enable('desk', { by: 'ana' })
    expect(await desk.look(CRITICAL)).toContain('fired')
  })

  test('routes say who hears; whoever heard of the beginning hears of the end', async () => {
    const pager = createMemoryAlertChannel('pager')
    const desk = openDesk()
    const rules = { ...SETTINGS.rules, recoveryLooks: 1, firstReminderMs: 1e12, longestReminderMs: 1e12 }
    const routes = [
      { severities: ['moderate', 'severe', 'critical'], kinds: [], channels: ['desk'] },
      { severities: ['critical'], kinds: ['drift'], channels: ['pager'] },
    ] as const
    const center = desk.another({ channels: [desk.channel, pager], settings: { ...SETTINGS, rules, routes } })
    for (const severity of ['moderate', 'moderate', 'critical', 'moderate', 'none'] as const) {
      await center.look(lookOf(`${severity} ${desk.now()}`, [finding(severity)]))
      await center.deliver()
      desk.pass(DAY_MS)
    }
    expect(desk.channel.received.map(({ reason }) => reason)).toEqual([
      'fired',
      'escalated',
      'eased',
      'resolved',
    ])
    expect(pager.received.map(({ reason }) => reason)).toEqual(['escalated', 'eased', 'resolved'])
  })

  test('the channel is handed the thread that it gave', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'delivered', thread: 'C1:17' })
    await desk.look(CRITICAL)
    for (let i = 0; i < 3; i++) await desk.look()
    expect(desk.channel.received.map(({ reason, thread }) => [reason, thread])).toEqual([
      ['fired', undefined],
      ['resolved', 'C1:17'],
    ])
    expect((await desk.center.book()).threads.size).toBe(0)
  })

  test('a receiver that takes silence for the end is refreshed while the alert fires', async () => {
    const prometheus = createMemoryAlertChannel('prometheus', 60_000)
    const desk = openDesk()
    const center = desk.another({ channels: [prometheus] })
    await center.look(lookOf('a', [CRITICAL]))
    await center.refresh()
    expect(prometheus.attempts).toEqual([])
    await center.deliver()
    for (let i = 0; i < 10; i++) {
      desk.pass(30_000)
      await center.refresh()
    }
    expect(prometheus.attempts.map(({ reason }) => reason)).toEqual(['fired', ...Array(5).fill('refreshed')])
    for (const id of ['b', 'c', 'd']) await center.look(lookOf(id, []))
    await center.deliver()
    desk.pass(DAY_MS)
    await center.refresh()
    expect(prometheus.attempts.at(-1)?.reason).toBe('resolved')
  })

  test('a channel that throws is tried again', async () => {
    const desk = openDesk()
    const center = desk.another({
      channels: [{ name: 'own', send: () => Promise.reject(new Error('a bug of theirs')) }],
    })
    await center.look(lookOf('a', [CRITICAL]))
    expect(await center.deliver()).toMatchObject([{ delivery: { kind: 'retry', reason: 'a bug of theirs' } }])
  })
})

describe('a process that ends while it sends', () => {
  test('leaves the message to the next one, which sends it under the same id when the claim is over', async () => {
    const desk = openDesk()
    let hang = true
    const stuck = desk.another({
      channels: [
        { name: 'desk', send: (message) => (hang ? new Promise(() => {}) : desk.channel.send(message)) },
      ],
    })
    await stuck.look(lookOf('a', [CRITICAL]))
    void stuck.deliver()
    await new Promise((resolve) => setImmediate(resolve))
    hang = false
    const next = desk.another()
    expect(await next.deliver()).toEqual([])
    const toldGone = desk.another({
      claimant: { by: 'third', claimMs: 1000, isGone: (by) => by === 'process 2' },
    })
    expect(await toldGone.deliver()).toHaveLength(1)
    desk.pass(60_000)
    expect(await next.deliver()).toEqual([])
    expect(desk.channel.received.map(({ id }) => id)).toHaveLength(1)
  })

  test('a claim that nobody answers for is over after its time', async () => {
    const desk = openDesk()
    const stuck = desk.another({ channels: [{ name: 'desk', send: () => new Promise(() => {}) }] })
    await stuck.look(lookOf('a', [CRITICAL]))
    void stuck.deliver()
    await new Promise((resolve) => setImmediate(resolve))
    desk.pass(60_000)
    expect(await desk.another().deliver()).toHaveLength(1)
  })
})

describe('the journal', () => {
  test('is written anew as one entry when it is long, and says the same', async () => {
    const desk = openDesk()
    for (let i = 0; i < 700; i++) await desk.look(i % 7 === 0 ? CRITICAL : finding('none'))
    expect(desk.place.lines.length).toBeLessThan(1000)
    const other = await desk.another().book()
    const same = await desk.center.book()
    expect([...other.states]).toEqual([...same.states])
    expect(other.audit).toEqual(same.audit)
    expect([...other.outbox]).toEqual([...same.outbox])
  })

  test('tells who did what, in order', async () => {
    const desk = openDesk()
    await desk.look(CRITICAL)
    await desk.center.acknowledge(KEY, { by: 'ana' })
    await desk.center.silence(KEY, { untilMs: desk.now() + DAY_MS, reason: 'known', by: 'luis' })
    expect((await desk.center.book()).audit.map(({ by, did, detail }) => [by, did, detail])).toEqual([
      ['vigia', 'ok to firing', undefined],
      ['vigia', 'fired', 'critical, to desk'],
      ['vigia', 'delivered', 'fired to desk, attempt 1'],
      ['ana', 'acknowledged it', undefined],
      ['vigia', 'acknowledged', 'critical, to desk'],
      ['luis', 'silenced it', `until ${new Date(START_MS + 2 * DAY_MS).toISOString()}: known`],
    ])
  })

  test('that cannot be written changes nothing', async () => {
    const desk = openDesk()
    const journal = desk.place.open()
    let isFull = false
    const center = desk.another({
      journal: {
        location: 'full',
        transact: async (work) => {
          if (!isFull) return journal.transact(work)
          await journal.transact((unseen, isAnew) => ({ result: work(unseen, isAnew).result }))
          throw new Error('no space')
        },
      },
    })
    await center.look(lookOf('a', [finding('moderate')]))
    isFull = true
    await expect(center.look(lookOf('b', [CRITICAL]))).rejects.toThrow('no space')
    isFull = false
    expect((await center.book()).states.get(KEY)?.recent).toEqual(['moderate'])
  })
})

describe('a process that does not have the channels, such as a command without the server\u2019s configuration', () => {
  test('leaves what waits to whoever has them, and settles nothing that is owed', async () => {
    const desk = openDesk()
    desk.channel.answerWith({ kind: 'retry', reason: 'down' })
    await desk.look(finding('critical'))
    const [key] = [...(await desk.center.book()).states.keys()]
    const shell = desk.another({ channels: [] })
    await shell.acknowledge(key!, { by: 'ana' })
    await shell.passTime()
    expect(await shell.deliver()).toEqual([])
    const { outbox, dead } = await desk.center.book()
    expect([outbox.size, dead.size]).toEqual([1, 0])
    desk.channel.answerWith({ kind: 'delivered' })
    desk.pass(HOUR_MS)
    await desk.center.passTime()
    await desk.center.deliver()
    expect(desk.channel.received.map(({ reason }) => reason)).toEqual(['fired', 'acknowledged'])
  })
})
