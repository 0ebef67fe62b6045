import { describe, expect, test } from 'vitest'
import { finding, HOUR_MS, openDesk } from './alerts.test-kit.ts'
import { isMeant } from './planned-silence.ts'

const CRITICAL = finding('critical')

describe('a silence that is planned', () => {
  const planned = (changes: object = {}) => {
    const desk = openDesk()
    const plan = {
      id: 'night',
      model: '*',
      kind: 'drift',
      segment: '*',
      fromMs: desk.now() + 20 * HOUR_MS,
      untilMs: desk.now() + 30 * HOUR_MS,
      reason: 'migration',
      by: 'ana',
      ...changes,
    }
    return { ...desk, plan, planIt: () => desk.center.plan(plan) }
  }

  test('holds back what begins in it, and tells at its end what still fires, once', async () => {
    const { planIt, look, wait } = planned()
    await planIt()
    expect(await look(CRITICAL)).toEqual([])
    expect(await wait(5)).toEqual([])
    expect(await wait(1)).toEqual(['fired'])
    expect(await wait(3)).toEqual([])
  })

  test('holds back nothing before it begins, and nothing that does not fit', async () => {
    const later = planned({ fromMs: openDesk().now() + 25 * HOUR_MS })
    await later.planIt()
    expect(await later.look(CRITICAL)).toEqual(['fired'])
    const { planIt, look } = planned()
    await planIt()
    expect(await look(finding('critical', { kind: 'data_quality' }))).toEqual(['data_quality fired'])
  })

  test('does not hold back the end of what was told', async () => {
    const { look, center, plan, now } = planned()
    expect(await look(CRITICAL)).toEqual(['fired'])
    await center.plan({ ...plan, fromMs: now(), untilMs: now() + 900 * HOUR_MS })
    await look()
    await look()
    expect(await look()).toEqual(['resolved'])
  })

  test('that is cancelled is over at once', async () => {
    const { planIt, look, wait, center } = planned()
    await planIt()
    expect(await look(CRITICAL)).toEqual([])
    await center.cancel('night', { by: 'luis' })
    expect(await wait(1)).toEqual(['fired'])
    await expect(center.cancel('night', { by: 'luis' })).rejects.toMatchObject({
      code: 'ALERT_SILENCE_UNKNOWN',
      details: { known: 'none' },
    })
  })

  test('is in the history, with who planned and who cancelled it', async () => {
    const { planIt, center } = planned()
    await planIt()
    await center.cancel('night', { by: 'luis' })
    expect((await center.book()).audit.map(({ by, did, key }) => [by, did, key])).toEqual([
      ['ana', 'planned a silence', 'night'],
      ['luis', 'cancelled a silence', 'night'],
    ])
  })

  test.each([
    ['ends before it begins', { untilMs: openDesk().now() + 19 * HOUR_MS }, /before it begins/],
    ['has ended', { fromMs: 0, untilMs: 1 }, /has passed/],
    ['lasts longer than a year', { untilMs: openDesk().now() + 400 * 24 * HOUR_MS }, /longer than a year/],
    [
      'begins in more than a year',
      { fromMs: openDesk().now() + 400 * 24 * HOUR_MS, untilMs: openDesk().now() + 401 * 24 * HOUR_MS },
      /in more than a year/,
    ],
    ['has no reason', { reason: ' ' }, /no reason/],
    ['has no end', { untilMs: Number.NaN }, /longer than a year/],
  ])('that %s is refused', async (_, changes, reason) => {
    const { planIt } = planned(changes)
    await expect(planIt()).rejects.toMatchObject({ code: 'ALERT_SILENCE_INVALID' })
    await expect(planIt()).rejects.toThrow(reason)
  })
})

describe('a pattern', () => {
  const subject = { model: 'fraud-detector', kind: 'drift', segment: 'country=ES' }
  test.each([
    ['*', true],
    ['country=ES', true],
    ['country=*', true],
    ['*=ES', true],
    ['c*=*S', true],
    ['*c*o*', true],
    ['country', false],
    ['country=', false],
    ['*=FR', false],
    ['country=ES*S', false],
    ['.*', false],
    ['', false],
  ])('%j of segments: %s', (segment, expected) => {
    expect(isMeant({ model: '*', kind: '*', segment }, subject)).toBe(expected)
  })

  test('all is the segment of all transactions, and needs every part to fit', () => {
    expect(isMeant({ model: 'fraud-*', kind: '*', segment: 'all' }, { ...subject, segment: '' })).toBe(true)
    expect(isMeant({ model: 'fraud-*', kind: '*', segment: 'all' }, subject)).toBe(false)
    expect(isMeant({ model: 'other', kind: '*', segment: '*' }, subject)).toBe(false)
    expect(isMeant({ model: '*', kind: 'data_*', segment: '*' }, subject)).toBe(false)
  })

  test('of many stars is decided at once', () => {
    expect(
      isMeant({ ...subject, segment: '*a'.repeat(200) }, { ...subject, segment: 'a'.repeat(20_000) }),
    ).toBe(true)
    expect(
      isMeant({ ...subject, segment: `${'*a'.repeat(200)}b` }, { ...subject, segment: 'a'.repeat(20_000) }),
    ).toBe(false)
  })
})
