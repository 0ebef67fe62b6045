import { describe, expect, test } from 'vitest'
import { cancelRetraining } from './advance-retraining.ts'
import {
  CONCEPT,
  DAY_MS,
  dayMs,
  FAULT,
  lookOn,
  MODEL,
  openDesk,
  openRetraining,
  pairOf,
  quietTraffic,
  SHIFT,
  statusesOf,
} from './retraining.test-kit.ts'
import type { ServedTraffic } from './retraining-works.ts'
import { standingFindings } from './standing-findings.ts'

const WAY = [
  'observed',
  'waiting',
  'training',
  'comparing',
  'shadow',
  'canary',
  'promoting',
  'watching',
  'done',
]

describe('the way of an episode', () => {
  test('from a look to a new champion, each step with when, why, which look, which run, by whom', async () => {
    const desk = openDesk()
    await desk.look(SHIFT)
    await desk.pass(60)
    const book = await desk.book()
    expect(statusesOf(book)).toEqual(WAY)
    expect(desk.works.served.now).toEqual({ champion: 'models:/fraud/4', shadow: null, canary: null })
    expect(desk.works.aliases['production']).toBe('4')
    for (const { atMs, by, why, look } of book.records) {
      expect(atMs).toBeGreaterThanOrEqual(dayMs(1))
      expect(by).toBe('vigia')
      expect(why).not.toBe('')
      expect(look).toBe('daily 0')
    }
    const [id] = book.episodes.keys()
    const trained = book.records.filter(({ to }) => WAY.indexOf(to) > WAY.indexOf('comparing'))
    expect(trained.every(({ run }) => run === `runs/${id}`)).toBe(true)
    const verdict = book.records.find(({ to }) => to === 'shadow')!
    expect(verdict.figures).toMatchObject({ verdict: 'better', rows: 2000 })
    expect(verdict.figures!['averagePrecision.low']).toBeGreaterThan(0)
  })

  test('scores that moved have a threshold proposed at once, before any label', async () => {
    const desk = openDesk()
    await desk.look(SHIFT)
    expect(desk.works.done).toEqual(['propose'])
    const [episode] = (await desk.book()).episodes.values()
    expect(episode).toMatchObject({ status: 'waiting', threshold: { threshold: 0.6, alertsPerDay: 100 } })
    const concept = openDesk()
    await concept.look(CONCEPT)
    expect(concept.works.done).toEqual([])
  })

  test('it waits for labels, and says for how many', async () => {
    const desk = openDesk()
    const first = await desk.look(CONCEPT)
    expect(first.at(-1)).toMatchObject({
      kind: 'waits',
      why: expect.stringContaining('0 of 80 frauds since 2026-01-01'),
    })
    // Ten frauds a day, four of which take five days: 80 are there when eight days are six days old.
    const waits = (await desk.pass(12)).filter(({ kind }) => kind === 'waits')
    expect(waits.length).toBeGreaterThan(10)
    expect(desk.works.done).toEqual([])
    await desk.pass(2)
    expect(desk.works.done[0]).toMatch(/^train /)
  })

  test('shadow, canary and watch last as long as they are told to', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    await desk.pass(60)
    const { records } = await desk.book()
    const at = (status: string): number =>
      records.find(({ from, to }) => to === status && from !== status)!.atMs / DAY_MS
    expect(at('canary') - at('shadow')).toBe(2)
    expect(at('promoting') - at('canary')).toBe(3)
    expect(at('done') - at('watching')).toBe(14)
  })
})

describe('one episode a trigger', () => {
  test('thirty looks that find the same start one run', async () => {
    const desk = openDesk()
    for (let day = 0; day < 30; day++) await desk.look(CONCEPT)
    expect(desk.works.done.filter((act) => act.startsWith('train'))).toHaveLength(1)
    const first = [...(await desk.book()).episodes.values()][0]!
    expect(first.looks).toBeGreaterThan(10)
  })

  test('thirty looks start one run too where the challenger is refused on the way', async () => {
    const desk = openDesk({ lifts: [2, 2] })
    for (let day = 0; day < 30; day++) await desk.look(CONCEPT)
    expect(statusesOf(await desk.book())).toEqual(['observed', 'waiting', 'training', 'comparing', 'refused'])
  })

  test('a look that is told twice counts once', async () => {
    const desk = openDesk()
    const look = lookOn(0, [CONCEPT])
    await desk.step({ look })
    await desk.step({ look })
    const [episode, ...others] = (await desk.book()).episodes.values()
    expect(others).toEqual([])
    expect(episode!.looks).toBe(1)
  })

  test('what comes back after some clean looks is another trigger', async () => {
    const desk = openDesk({ lifts: [2, 2] })
    await desk.look(CONCEPT)
    await desk.pass(30)
    for (let day = 0; day < 3; day++) await desk.look()
    await desk.look(CONCEPT)
    expect((await desk.book()).episodes.size).toBe(2)
  })

  test('two clean looks are too few for that', async () => {
    const desk = openDesk({ lifts: [2, 2] })
    await desk.look(CONCEPT)
    await desk.pass(30)
    for (let day = 0; day < 2; day++) await desk.look()
    await desk.look(CONCEPT)
    expect((await desk.book()).episodes.size).toBe(1)
  })

  test('of two processes one writes the step down', async () => {
    const desk = openDesk()
    await desk.step({ look: lookOn(0, [CONCEPT]) })
    const before = desk.place.lines.length
    const steps = await Promise.all([desk.step(), desk.step()])
    expect(desk.place.lines.length).toBe(before)
    expect(steps.map(({ kind }) => kind)).toEqual(['waits', 'waits'])
    desk.day = 20
    const both = await Promise.all([desk.step(), desk.step()])
    expect(both.map(({ kind }) => kind).sort()).toEqual(['moved', 'overtaken'])
  })
})

describe('a verdict', () => {
  test('tried, not better: the champion stays, and people are told', async () => {
    const desk = openDesk({ lifts: [2, 2] })
    await desk.look(CONCEPT)
    await desk.pass(30)
    const book = await desk.book()
    const refusal = book.records.at(-1)!
    expect(refusal).toMatchObject({ to: 'refused', figures: { verdict: 'not better' } })
    expect(refusal.why).toMatch(/^tried, not better: average precision/)
    expect(desk.works.served.now.champion).toBe('models:/fraud/3')
    expect(desk.works.done).not.toContain('gates')
    expect(standingFindings(book, MODEL)).toMatchObject([{ kind: 'retraining', severity: 'moderate' }])
  })

  test('a worse challenger is refused as worse', async () => {
    const desk = openDesk({ lifts: [3, 1] })
    await desk.look(CONCEPT)
    await desk.pass(30)
    expect((await desk.book()).records.at(-1)).toMatchObject({ to: 'refused', figures: { verdict: 'worse' } })
  })

  test('a better one that a gate stops is refused, and decides for nobody', async () => {
    const desk = openDesk({ gates: { isPassed: false, why: 'latency: 7 ms' } })
    await desk.look(CONCEPT)
    await desk.pass(30)
    expect((await desk.book()).records.at(-1)).toMatchObject({ to: 'refused', why: 'gates: latency: 7 ms' })
    expect(desk.works.served.now).toEqual({ champion: 'models:/fraud/3', shadow: null, canary: null })
  })
})

describe('in service', () => {
  const worse: ServedTraffic = { ...quietTraffic, pairs: pairOf('service', [3, 1]) }
  const loud: ServedTraffic = { ...quietTraffic, challengerAlerts: 350 }

  for (const status of ['shadow', 'canary', 'watching'])
    for (const [what, traffic] of Object.entries({ worse, loud }))
      test(`a challenger that is ${what} while ${status} is taken back by itself`, async () => {
        const desk = openDesk({ traffic: (now) => (now === status ? traffic : quietTraffic) })
        await desk.look(CONCEPT)
        await desk.pass(60)
        const book = await desk.book()
        expect(statusesOf(book).slice(-3)).toEqual([status, 'rolling_back', 'rolled_back'])
        expect(desk.works.served.now).toEqual({ champion: 'models:/fraud/3', shadow: null, canary: null })
        expect(desk.works.aliases['production']).toBe('3')
        expect(standingFindings(book, MODEL)).toMatchObject([{ severity: 'severe' }])
      })

  test('a challenger that comes from a loud champion to the budget may stay', async () => {
    const calm = { ...quietTraffic, championAlerts: 1000, challengerAlerts: 110 }
    const desk = openDesk({ traffic: () => calm })
    await desk.look(SHIFT)
    await desk.pass(60)
    expect(statusesOf(await desk.book()).at(-1)).toBe('done')
  })

  test('a server that was started anew is put right', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    while ([...(await desk.book()).episodes.values()][0]!.status !== 'canary') await desk.pass(1)
    desk.works.served.now = { champion: 'models:/fraud/3', shadow: null, canary: null }
    await desk.pass(1)
    expect(desk.works.served.now).toEqual({
      champion: 'models:/fraud/3',
      shadow: 'models:/fraud/4',
      canary: { source: 'models:/fraud/4', share: 0.05 },
    })
  })

  test('nobody goes further on too few decisions, or while data are broken', async () => {
    const idle = openDesk({ traffic: () => ({ ...quietTraffic, decisions: 9 }) })
    await idle.look(CONCEPT)
    expect((await idle.pass(60)).at(-1)).toMatchObject({
      kind: 'waits',
      why: expect.stringContaining('too few'),
    })
    expect(statusesOf(await idle.book()).at(-1)).toBe('shadow')
    const broken = openDesk()
    await broken.look(CONCEPT)
    while ([...(await broken.book()).episodes.values()][0]!.status !== 'shadow') await broken.pass(1)
    for (let day = 0; day < 10; day++) await broken.look({ ...FAULT, days: [broken.day] })
    expect(statusesOf(await broken.book()).at(-1)).toBe('shadow')
    await broken.look()
    expect(statusesOf(await broken.book()).at(-1)).toBe('canary')
  })
})

describe('cooldown and budget', () => {
  /** One trigger after the other, each refused, with days of calm between them. */
  const triggers = async (count: number, rules: Parameters<typeof openDesk>[0]) => {
    const desk = openDesk({ lifts: [2, 2], ...rules })
    for (let trigger = 0; trigger < count; trigger++) {
      await desk.look(CONCEPT)
      for (let day = 0; day < 4; day++) await desk.look()
    }
    const begun = [...(await desk.book()).episodes.values()].flatMap(({ trainingMs = [] }) => trainingMs)
    return begun.map((atMs) => (atMs - dayMs(0)) / DAY_MS)
  }

  test('a week lies between the beginnings of two trainings', async () => {
    const begun = await triggers(20, { rules: { budget: 100 } })
    expect(begun.length).toBeGreaterThan(5)
    for (const [at, day] of begun.slice(1).entries()) expect(day - begun[at]!).toBeGreaterThanOrEqual(7)
    const eager = await triggers(20, { rules: { budget: 100, cooldownMs: 0 } })
    expect(eager.slice(1).some((day, at) => day - eager[at]! < 7)).toBe(true)
  })

  test('no more begin within thirty days than the budget allows', async () => {
    const most = (days: readonly number[]): number =>
      Math.max(...days.map((day) => days.filter((other) => other >= day && other < day + 30).length))
    const eager = { cooldownMs: 0 }
    expect(most(await triggers(24, { rules: { ...eager, budget: 2 } }))).toBe(2)
    expect(most(await triggers(24, { rules: { ...eager, budget: 100 } }))).toBeGreaterThan(2)
  })

  test('a person need not wait for them', async () => {
    const desk = openDesk({ lifts: [2, 2] })
    await desk.look(CONCEPT)
    await desk.pass(14)
    expect(statusesOf(await desk.book()).at(-1)).toBe('refused')
    await desk.look({ kind: 'request', id: 'r1', by: 'ana', why: 'a new product', sinceMs: null })
    expect(desk.works.done.filter((act) => act.startsWith('train'))).toHaveLength(2)
  })
})

describe('failures', () => {
  test('a training that fails is tried again, and given up after three times', async () => {
    const twice = openDesk({ faults: new Map([['train', 2]]) })
    await twice.look(CONCEPT)
    await twice.pass(60)
    expect(statusesOf(await twice.book())).toEqual(WAY)
    const always = openDesk({ faults: new Map([['train', 99]]) })
    await always.look(CONCEPT)
    await always.pass(60)
    const book = await always.book()
    expect(statusesOf(book)).toEqual(['observed', 'waiting', 'training', 'failed'])
    expect(book.records.at(-1)!.why).toBe('it failed 3 times: no train')
  })

  test('a server that cannot be put right while it watches is tried for ever, and told three times', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    while ([...(await desk.book()).episodes.values()][0]!.status !== 'watching') await desk.pass(1)
    desk.answers.faults.set('serving', 20)
    const failures = (await desk.pass(20)).filter(({ kind }) => kind === 'failed')
    expect(failures).toHaveLength(20)
    const book = await desk.book()
    expect(book.records.filter(({ why }) => why.includes('no serving'))).toHaveLength(3)
    expect(standingFindings(book, MODEL)).toMatchObject([
      { severity: 'severe', details: [expect.stringContaining('no serving'), expect.anything()] },
    ])
    await desk.pass(20)
    expect(statusesOf(await desk.book()).at(-1)).toBe('done')
  })

  test('an interruption is nobody’s failure: nothing is written', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    desk.day = 20
    await desk.step()
    const before = desk.place.lines.length
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await expect(desk.step({ signal: stop.signal })).rejects.toThrow('stopped')
    expect(desk.place.lines.length).toBe(before)
  })
})

describe('looking without touching', () => {
  test('a dry run says what it would do and why, and does nothing', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    desk.day = 20
    const lines = [...desk.place.lines]
    expect(await desk.step({ dryRun: true })).toMatchObject({
      kind: 'would',
      what: expect.stringMatching(/^train on .* to .*, and compare on the days up to /),
      why: expect.stringContaining('frauds have matured'),
    })
    const broken = await desk.step({ dryRun: true, look: lookOn(20, [FAULT]) })
    expect(broken).toMatchObject({ kind: 'waits', episode: { status: 'held' } })
    const begun = await openDesk().step({ dryRun: true, look: lookOn(0, [SHIFT]) })
    expect(begun).toMatchObject({ kind: 'would', what: expect.stringContaining('propose a threshold') })
    expect(desk.place.lines).toEqual(lines)
    expect(desk.works.done).toEqual([])
  })

  test('without an episode it is idle', async () => {
    expect(await openDesk().step()).toEqual({ kind: 'idle' })
  })
})

describe('somebody ends it', () => {
  const cancel = (desk: ReturnType<typeof openDesk>) =>
    cancelRetraining(
      {
        model: MODEL,
        change: openRetraining(desk.place.open()),
        now: () => dayMs(desk.day),
        by: 'ana',
      },
      'wrong alarm',
    )

  test('before anything is in service it is over at once', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    expect((await cancel(desk)).status).toBe('cancelled')
    expect((await desk.book()).records.at(-1)).toMatchObject({ by: 'ana', why: 'wrong alarm' })
    await expect(cancel(desk)).rejects.toThrow('nothing to end')
  })

  test('what is in service goes back first', async () => {
    const desk = openDesk()
    await desk.look(CONCEPT)
    while ([...(await desk.book()).episodes.values()][0]!.status !== 'watching') await desk.pass(1)
    expect((await cancel(desk)).status).toBe('rolling_back')
    await desk.pass(1)
    expect(desk.works.served.now.champion).toBe('models:/fraud/3')
    expect(statusesOf(await desk.book()).at(-1)).toBe('rolled_back')
  })
})
