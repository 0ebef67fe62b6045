import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALERTMANAGER_SERVER, ALERTMANAGER_SERVER_MISSING } from '../integration/alertmanager-server.ts'
import { type EpisodeStep, MODEL, PlayedStory } from '../story/played-story.ts'
import {
  DRIFT_DAY,
  dateOfDay,
  dayMs,
  FIRST_SERVED_DAY,
  inCents,
  precisionAtBudget,
  type StoryRow,
  undone,
} from '../story/story-bank.ts'

/*
 * The story of a drift, played whole: a real server on a clock that the test moves, day by day, with looks,
 * alerts and retraining of its own. The tests are its chapters, in their order: each goes on where the one
 * before it ended.
 */

/** First day that the server looks at. */
const FIRST_LOOK_DAY = 95
const BROKEN_DAY = 96
/** Days that the promoted challenger has to show what it is worth, before the drift is undone. */
const GOOD_DAYS = 4
/** Days after which nobody watches it any more. */
const WATCHED_DAYS = 21
/** By then a challenger decides for all. */
const PROMOTED_BY = 123
const DRIFT_KEY = `vigia/${MODEL}/drift/all`
const QUALITY_KEY = `vigia/${MODEL}/data_quality/all`
const KILLED_AT = [
  'observed',
  'waiting',
  'training',
  'comparing',
  'shadow',
  'canary',
  'promoting',
  'watching',
  'rolling_back',
]

const story = new PlayedStory()
let day = FIRST_SERVED_DAY
let promotedDay = 0

/** Plays on until something is so. @throws where `last` comes first */
const playUntil = async (
  last: number,
  isSo: () => boolean,
  change = (row: StoryRow) => row,
): Promise<void> => {
  while (!isSo()) {
    if (day >= last) throw new Error(`by day ${day} it was ${story.passed().join(', ')}: ${lastWord()}`)
    await story.day(day++, { change })
  }
}
const lastWord = (): string => story.trail().at(-1)?.why ?? 'nothing was written'
const precisionOf = (from: number, to: number): number =>
  precisionAtBudget([...story.decided].flatMap(([at, rows]) => (at >= from && at < to ? [rows] : [])))
const messagesOf = (key: string): readonly string[] =>
  story.desk.messages().filter((message) => message.endsWith(` ${key}`))
const episodes = (): ReadonlySet<string> => new Set(story.trail().map(({ episode }) => episode))

beforeAll(async () => {
  await story.begin()
  await story.start(['monitoring.enabled=false', 'retraining.enabled=false'])
  for (; day < FIRST_LOOK_DAY; day++) await story.day(day, { looks: false })
  await story.server.stop()
  await story.start([])
})
afterAll(() => story.close())

test('days without drift are quiet', async () => {
  for (; day < BROKEN_DAY; day++) await story.day(day)
  expect(story.desk.messages()).toEqual([])
  expect(story.trail()).toEqual([])
})

test('a feed that sends cents for units pages somebody, and trains nothing', async () => {
  await story.day(day++, { change: inCents })
  expect(story.passed()).toEqual(['held'])
  await story.until('the page', () => messagesOf(QUALITY_KEY).length > 0)
  expect(messagesOf(QUALITY_KEY)).toEqual([`fired ${QUALITY_KEY}`])
  await playUntil(BROKEN_DAY + 3, () => story.status() === 'cleared')
  expect(story.trail().some(({ run }) => run !== undefined)).toBe(false)
  expect(await story.models()).toEqual(['champion 1'])
})

test('a worse challenger is refused: the champion stays', async () => {
  await story.server.stop()
  await story.start(['retraining.training=worse.yaml'])
  await story.post('/retraining/request', { why: 'a single tree will do', by: 'bo' })
  await playUntil(DRIFT_DAY, () => story.status() === 'refused')
  expect(story.passed()).toEqual(['observed', 'waiting', 'training', 'comparing', 'refused'])
  expect(await story.models()).toEqual(['champion 1'])
  await story.server.stop()
  await story.start([])
  for (; day < DRIFT_DAY; day++) await story.day(day)
})

describe('from the drift to the rollback, killed at every step', () => {
  let before: ReadonlySet<string>

  test('the look finds the drift, and each of those who are told hears of it once', async () => {
    before = episodes()
    for (const status of KILLED_AT) story.killAt.add(status)
    await playUntil(DRIFT_DAY + 3, () => messagesOf(DRIFT_KEY).length > 0 && episodes().size > before.size)
    expect(messagesOf(DRIFT_KEY)).toEqual([`fired ${DRIFT_KEY}`])
    await story.until('the mail', () => story.desk.mails.some(({ text }) => text.includes(DRIFT_KEY)))
    expect([...episodes()].length).toBe(before.size + 1)
  })

  const skipped = ALERTMANAGER_SERVER === undefined ? ` (skipped: ${ALERTMANAGER_SERVER_MISSING})` : ''
  test.skipIf(ALERTMANAGER_SERVER === undefined)(`Alertmanager tells of it too${skipped}`, async () => {
    await story.until('the alert', () => story.desk.toldOn!().includes(`firing ${DRIFT_KEY}`))
  })

  test('silenced, it is told no more', async () => {
    const reason = 'known: the new price list'
    await story.post('/admin/alerts/silence', { key: DRIFT_KEY, until: '60d', reason })
    const told = messagesOf(DRIFT_KEY).length
    for (const end = day + 3; day < end; day++) await story.day(day)
    expect(messagesOf(DRIFT_KEY)).toHaveLength(told)
  })

  test('retraining waits for labels, and says for which', async () => {
    expect(story.status()).toBe('waiting')
    expect(await story.vigia(['retrain', '--status', '--config', 'serving.yaml'])).toMatch(/frauds/)
    expect(story.trail().filter(({ run, atMs }) => run !== undefined && atMs > dayMs(DRIFT_DAY))).toEqual([])
  })

  test('a challenger goes through shadow and canary to production', async () => {
    await playUntil(PROMOTED_BY, () => story.status() === 'watching')
    promotedDay = day
    expect(story.passed().slice(-6)).toEqual([
      'training',
      'comparing',
      'shadow',
      'canary',
      'promoting',
      'watching',
    ])
    expect(await story.models()).toEqual([expect.stringMatching(/^champion [^1]/), 'shadow 1'])
  })

  test('at least four fifths of the lost precision are back', async () => {
    for (; day < promotedDay + GOOD_DAYS; day++) await story.day(day)
    const usual = precisionOf(FIRST_SERVED_DAY, BROKEN_DAY)
    const during = precisionOf(DRIFT_DAY, promotedDay)
    const after = precisionOf(promotedDay, day)
    console.info(`precision at the budget: ${usual} before, ${during} during, ${after} after`)
    expect(during).toBeLessThan(usual / 2)
    expect((after - during) / (usual - during)).toBeGreaterThanOrEqual(0.8)
  })

  test('when the drift is undone, the promoted challenger is taken back by itself', async () => {
    await playUntil(promotedDay + WATCHED_DAYS, () => story.status() === 'rolled_back', undone)
    expect(await story.models()).toEqual(['champion 1'])
  })

  test('the audit trail tells all of it, and every kill left one run and one of each step', () => {
    expect(story.killed).toEqual(KILLED_AT)
    const steps = story.trail().filter(({ from, to }) => from !== to)
    const mine = steps.filter(({ episode }) => !before.has(episode))
    expect(new Set(mine.map(({ episode }) => episode)).size).toBe(1)
    expect(mine.map(({ to }) => to)).toEqual([...KILLED_AT, 'rolled_back'])
    expect([DRIFT_DAY, DRIFT_DAY + 1].map((one) => `daily ${dateOfDay(one)}`)).toContain(mine[0]!.look)
    expect(new Set(mine.flatMap(({ run }: EpisodeStep) => run ?? [])).size).toBe(1)
    expect(mine.map(({ why }) => why).filter((why) => why === '')).toEqual([])
  })
})
