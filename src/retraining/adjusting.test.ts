import { describe, expect, test } from 'vitest'
import { cancelRetraining } from './advance-retraining.ts'
import {
  CONCEPT,
  dayMs,
  FAULT,
  MODEL,
  openDesk,
  openRetraining,
  SHIFT,
  statusesOf,
} from './retraining.test-kit.ts'
import { standingFindings } from './standing-findings.ts'

const APPLY = { threshold: 'apply' } as const
const NEVER_READY = { ...APPLY, leastFrauds: 1e6 }
const DERIVED = { champion: 'models:/fraud/4', shadow: null, canary: null }
const BEFORE = { champion: 'models:/fraud/3', shadow: null, canary: null }

describe('scores that moved', () => {
  test('have the champion go on with another threshold at once, before any label and without a shadow', async () => {
    const desk = openDesk({ rules: APPLY })
    await desk.look(SHIFT)
    const [episode] = (await desk.book()).episodes.values()
    expect(desk.works.done).toEqual(['propose', `derive ${episode!.id}`, 'adopt 4', 'switch models:/fraud/4'])
    expect(desk.works.served.now).toEqual(DERIVED)
    expect(desk.works.aliases['production']).toBe('4')
    expect(episode).toMatchObject({
      status: 'waiting',
      adjusted: { version: '4', before: 'models:/fraud/3', servedMs: dayMs(1) },
    })
    const { records } = await desk.book()
    expect(records.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'null observed',
      'observed adjusting',
      'adjusting waiting',
      'waiting waiting',
    ])
    expect(records.every(({ look }) => look === 'daily 0')).toBe(true)
  })

  test('have one told, and nothing changed, where that is asked for', async () => {
    const desk = openDesk()
    await desk.look(SHIFT)
    await desk.pass(3)
    expect(desk.works.done).toEqual(['propose'])
    expect(desk.works.served.now).toEqual(BEFORE)
  })

  test('have one once, whatever the number of looks, and none again by the looks at that version', async () => {
    const desk = openDesk({ rules: APPLY, lifts: [2, 2] })
    for (let day = 0; day < 40; day++) await desk.look(SHIFT)
    expect(desk.works.done.filter((act) => act.startsWith('derive'))).toHaveLength(1)
    expect((await desk.book()).episodes.size).toBe(1)
    expect(desk.works.served.now).toEqual(DERIVED)
  })

  test('leave a challenger that is trained as before, and takes the place of that version', async () => {
    const desk = openDesk({ rules: APPLY })
    await desk.look(SHIFT)
    await desk.pass(60)
    const book = await desk.book()
    const [episode] = book.episodes.values()
    expect(episode).toMatchObject({
      status: 'done',
      before: 'models:/fraud/4',
      challenger: { version: '5' },
    })
    expect(desk.works.served.now.champion).toBe('models:/fraud/5')
  })

  test('that are found while labels are waited for are met then', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    await desk.look(CONCEPT)
    expect(desk.works.done).toEqual([])
    await desk.look(CONCEPT, { ...SHIFT, sinceMs: dayMs(1) })
    expect(desk.works.served.now).toEqual(DERIVED)
    const [episode] = (await desk.book()).episodes.values()
    expect(episode).toMatchObject({ changedMs: dayMs(0), movedMs: dayMs(1) })
  })

  test('within the last day wait until a whole day has them', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    const young = await desk.look({ ...SHIFT, sinceMs: dayMs(0.5) })
    expect(young.at(-1)).toMatchObject({ kind: 'waits', untilMs: dayMs(2) })
    await desk.pass(1)
    expect(desk.works.served.now).toEqual(DERIVED)
  })
})

describe('the threshold stays', () => {
  test('where none meets the budget, and the record says why', async () => {
    const desk = openDesk({ rules: NEVER_READY, kept: { kept: 'all scores are equal' } })
    await desk.look(SHIFT)
    await desk.pass(3)
    const { records, episodes } = await desk.book()
    expect(records.at(-1)!.why).toBe('the threshold stays: all scores are equal')
    expect([...episodes.values()][0]).toMatchObject({
      status: 'waiting',
      thresholdKept: 'all scores are equal',
    })
    expect(desk.works.done).toEqual(['propose'])
  })

  test('where data are broken, whatever was found beside', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    for (let day = 0; day < 10; day++) await desk.look(SHIFT, CONCEPT, FAULT)
    expect(desk.works.done).toEqual([])
    expect(desk.works.served.now).toEqual(BEFORE)
  })

  test('where somebody has let another model decide meanwhile', async () => {
    const desk = openDesk({ rules: NEVER_READY, faults: new Map([['derive', 1]]) })
    await desk.look(SHIFT)
    await desk.works.control.switchTo('models:/fraud/2')
    await desk.pass(2)
    expect(desk.works.served.now.champion).toBe('models:/fraud/2')
    const [episode] = (await desk.book()).episodes.values()
    expect(episode).toMatchObject({ status: 'waiting', thresholdKept: 'another model decides by now' })
  })

  test('where it cannot be registered, and labels are waited for all the same', async () => {
    const desk = openDesk({ rules: APPLY, lifts: [2, 2], faults: new Map([['derive', 99]]) })
    await desk.look(SHIFT)
    await desk.pass(40)
    expect(statusesOf(await desk.book())).toEqual([
      'observed',
      'adjusting',
      'waiting',
      'training',
      'comparing',
      'refused',
    ])
    expect(desk.works.served.now).toEqual(BEFORE)
  })
})

describe('a champion with another threshold is taken back', () => {
  const tooMany = { decisions: 1000, alerts: 400, alertsBefore: 150 }

  test('by itself where its alerts leave the limits, and the episode goes on', async () => {
    const desk = openDesk({ rules: APPLY })
    await desk.look(SHIFT)
    desk.answers.adjustedTraffic = () => tooMany
    await desk.pass(1)
    expect(desk.works.served.now).toEqual(BEFORE)
    expect(desk.works.aliases['production']).toBe('3')
    const book = await desk.book()
    expect(book.records.at(-1)!.why).toMatch(/^the threshold is rolled back: it raised 400 alerts/)
    expect(standingFindings(book, MODEL)[0]).toMatchObject({ severity: 'moderate' })
    await desk.pass(60)
    expect([...(await desk.book()).episodes.values()][0]).toMatchObject({
      status: 'done',
      before: 'models:/fraud/3',
    })
    expect(desk.works.done.filter((act) => act.startsWith('adopt'))).toHaveLength(1)
  })

  test('where the data turn out to have been broken, and nothing else is found', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    await desk.look(SHIFT)
    await desk.look(SHIFT, FAULT)
    expect(desk.works.served.now).toEqual(DERIVED)
    await desk.look()
    expect(statusesOf(await desk.book()).slice(-3)).toEqual(['held', 'restoring', 'cleared'])
    expect(desk.works.served.now).toEqual(BEFORE)
  })

  test('where somebody ends the retraining', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    await desk.look(SHIFT)
    const change = openRetraining(desk.place.open())
    await cancelRetraining({ model: MODEL, change, now: () => dayMs(2), by: 'ana' }, 'wrong alarm')
    await desk.pass(1)
    expect(statusesOf(await desk.book()).slice(-2)).toEqual(['restoring', 'cancelled'])
    expect(desk.works.served.now).toEqual(BEFORE)
  })

  test('and not where the threshold before would be as far off', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    await desk.look(SHIFT)
    desk.answers.adjustedTraffic = () => ({ ...tooMany, alertsBefore: 900 })
    await desk.pass(3)
    expect(desk.works.served.now).toEqual(DERIVED)
  })

  test('and no more when its watch is over', async () => {
    const desk = openDesk({ rules: NEVER_READY })
    await desk.look(SHIFT)
    await desk.pass(14)
    desk.answers.adjustedTraffic = () => tooMany
    await desk.pass(5)
    expect(desk.works.served.now).toEqual(DERIVED)
  })
})

test('a server that was started anew with the champion of before is put right', async () => {
  const desk = openDesk({ rules: NEVER_READY })
  await desk.look(SHIFT)
  desk.works.served.now = BEFORE
  await desk.pass(1)
  expect(desk.works.served.now).toEqual(DERIVED)
})
