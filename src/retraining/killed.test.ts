import { describe, expect, test } from 'vitest'
import type { Journal } from '../ports/journal.ts'
import { advanceRetraining } from './advance-retraining.ts'
import type { RetrainingFinding } from './finding.ts'
import {
  CONCEPT,
  type Desk,
  dayMs,
  FAULT,
  lookOn,
  MODEL,
  openDesk,
  openRetraining,
  pairOf,
  quietTraffic,
  RULES,
  SHIFT,
  statusesOf,
} from './retraining.test-kit.ts'
import type { RetrainingEntry } from './retraining-book.ts'
import type { RetrainingRules } from './retraining-rules.ts'

/** Where a process is killed: at its n-th point, before or after what is done there. */
interface Kill {
  readonly at: number
  readonly when: 'before' | 'after'
}

class Killed extends Error {}

const APPLY: RetrainingRules = { ...RULES, threshold: 'apply' }

/** Stories whose end must not depend on where a process is killed. */
const STORIES: Readonly<Record<string, Story>> = {
  'a challenger that becomes champion': { desk: () => openDesk(), looks: (day) => (day < 3 ? [SHIFT] : []) },
  'a challenger that is not better': { desk: () => openDesk({ lifts: [2, 2] }), looks: () => [CONCEPT] },
  'a champion that goes back': {
    desk: () =>
      openDesk({
        traffic: (status) =>
          status === 'watching' ? { ...quietTraffic, pairs: pairOf('service', [3, 1]) } : quietTraffic,
      }),
    looks: (day) => (day === 0 ? [CONCEPT] : []),
  },
  'data that break and are mended': {
    desk: () => openDesk(),
    looks: (day) => (day === 1 || day === 2 ? [{ ...FAULT, days: [day] }] : day < 6 ? [CONCEPT] : []),
  },
  'a threshold that is applied, and then a challenger': {
    desk: () => openDesk(),
    looks: (day) => (day < 3 ? [SHIFT] : []),
    rules: APPLY,
  },
  'a threshold that is rolled back': {
    desk: () => openDesk({ adjustedTraffic: () => ({ decisions: 1000, alerts: 400, alertsBefore: 150 }) }),
    looks: (day) => (day < 3 ? [SHIFT] : []),
    rules: APPLY,
  },
  'a threshold of data that turn out to be broken': {
    desk: () => openDesk(),
    looks: (day) => (day === 0 ? [SHIFT] : day === 1 ? [SHIFT, FAULT] : []),
    rules: APPLY,
  },
}

interface Story {
  readonly desk: () => Desk
  readonly looks: Looks
  readonly rules?: RetrainingRules
}
type Looks = (day: number) => readonly RetrainingFinding[]

describe.each(Object.entries(STORIES))('%s', (_, { desk: open, looks, rules }) => {
  test('ends the same wherever a process is killed', async () => {
    const whole = await played(open(), looks, undefined, rules)
    expect(whole.points).toBeGreaterThan(60)
    let kills = 0
    // Every point while much happens, and each tenth of the quiet ones that follow.
    for (let at = 0; at < whole.points; at += at < 90 ? 1 : 10)
      for (const when of ['before', 'after'] as const) {
        const end = await played(open(), looks, { at, when }, rules)
        expect({ at, when, ...end.end }).toEqual({ at, when, ...whole.end })
        kills += end.kills
      }
    expect(kills).toBeGreaterThan(100)
  })
})

test('the law can fail: a step that is written before it is done is lost with its process', async () => {
  const whole = await played(openDesk(), STORIES['a challenger that becomes champion']!.looks)
  const lost = openDesk()
  // As if the server had been told nothing, and nobody held it against what is wanted.
  lost.works.control.setShadow = async () => undefined
  const end = await played(lost, STORIES['a challenger that becomes champion']!.looks)
  expect(end.end).not.toEqual(whole.end)
})

/** Plays 40 days of looks; a process that is killed is started again at once, and told the same look. */
const played = async (desk: Desk, looks: Looks, kill?: Kill, rules: RetrainingRules = RULES) => {
  let points = 0
  let kills = 0
  let stop = new AbortController()
  const point = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const isHere = points++ === kill?.at
    const die = (): never => {
      kills++
      stop.abort()
      throw new Killed()
    }
    if (isHere && kill?.when === 'before') die()
    const result = await work()
    return isHere ? die() : result
  }
  const journal = (): Journal<RetrainingEntry> => {
    const handle = desk.place.open()
    return { location: handle.location, transact: (work) => point(() => handle.transact(work)) }
  }
  const works = killable(desk.works, point)
  const control = killable(desk.works.control, point)
  for (; desk.day < 40; desk.day++) {
    const champion = desk.works.served.now.champion.split('/').at(-1)!
    const look = lookOn(desk.day, looks(desk.day), champion)
    for (let isDone = false; !isDone; )
      try {
        stop = new AbortController()
        const change = openRetraining(journal())
        const step = () =>
          advanceRetraining({
            model: MODEL,
            change,
            works,
            control,
            rules,
            look,
            by: 'vigia',
            now: () => dayMs(desk.day + 1),
            signal: stop.signal,
          })
        while ((await step()).kind === 'moved');
        isDone = true
      } catch (error) {
        if (!(error instanceof Killed)) throw error
      }
  }
  const book = await desk.book()
  const made = (act: string): number => new Set(desk.works.done.filter((each) => each.startsWith(act))).size
  return {
    points,
    kills,
    end: {
      statuses: statusesOf(book),
      served: desk.works.served.now,
      aliases: desk.works.aliases,
      trained: made('train'),
      derived: made('derive'),
      versions: [...book.episodes.values()].map(({ challenger, adjusted }) => [
        challenger?.version,
        adjusted?.version,
      ]),
    },
  }
}

/** The same, with a point in each call. */
const killable = <T extends object>(works: T, point: <R>(work: () => Promise<R>) => Promise<R>): T =>
  new Proxy(works, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function'
        ? (...given: unknown[]) => point(async () => Reflect.apply(member, target, given) as unknown)
        : member
    },
  })
