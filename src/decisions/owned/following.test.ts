import { describe, expect, test } from 'vitest'
import { encodeRepair } from '../log/log-record.ts'
import { Following, type FollowingParts } from './following.ts'
import { MOST_UNSAVED } from './log-replay.ts'

/** Takes in a record that is none of these states' own, under that pressure; what was asked for. */
const takenUnder = async (waiting: number, room: { isBeyond: boolean; isFull: boolean }, sequence = 1) => {
  const { asked, following } = followingUnder(waiting, room, () => 0)
  await following.take(sequence, OTHERS, POSITION)
  expect(following.through).toBe(sequence)
  return asked
}

/** A record that is none of these states' own. */
const OTHERS = { kind: 'repair', repair: { kind: 'user', token: 1, layout: 'another' }, words: [] } as never
const POSITION = { segment: '000000000001.archived', offset: 0 }

const followingUnder = (
  waiting: number,
  room: { isBeyond: boolean; isFull: boolean },
  monotonicMs: () => number,
  read: () => AsyncGenerator<never> = async function* () {},
) => {
  const asked: string[] = []
  const ask = (name: string) => async () => void asked.push(name)
  const following = new Following({
    receipts: { waiting },
    cache: { isBeyondRoom: room.isBeyond, isFull: room.isFull, makeRoom: () => asked.push('makeRoom') },
    saver: { saveDue: ask('saveDue'), saveAll: ask('saveAll') },
    frontier: { reached: () => undefined, replayedThrough: () => undefined },
    decider: () => ({ engineer: {} }),
    layout: { isOwn: () => false },
    labels: { passTold: ask('passTold') },
    assertLost: async () => undefined,
    log: { lastSequence: 1, read },
    monotonicMs,
  } as unknown as FollowingParts)
  return { asked, following }
}

test('many receipts are saved without states that were saved a moment ago: a busy one is in every record', async () => {
  expect(await takenUnder(MOST_UNSAVED + 1, { isBeyond: false, isFull: false })).toEqual(['saveDue'])
})

test('where there is no room saved states go, and all are saved only when too few of them are', async () => {
  expect(await takenUnder(0, { isBeyond: true, isFull: false })).toEqual(['makeRoom'])
  expect(await takenUnder(0, { isBeyond: true, isFull: true })).toEqual(['makeRoom', 'saveAll'])
  expect(await takenUnder(0, { isBeyond: false, isFull: false })).toEqual([])
})

test('due labels that others have delivered are passed over on the way: their receipts do not pile up', async () => {
  const calm = { isBeyond: false, isFull: false }
  expect(await takenUnder(0, calm, 1023)).toEqual([])
  expect(await takenUnder(0, calm, 1024)).toEqual(['passTold'])
})

test.each([
  [0, 31, 0],
  [0, 32, 1],
  [1, 31, 15],
  [5, 31, 31],
])(
  'others have their turn every two milliseconds, and every 32 records: %i ms each, %i records',
  async (each, records, turns) => {
    let nowMs = 0
    let isTurn = false
    let counted = 0
    const { following } = followingUnder(0, { isBeyond: false, isFull: false }, () => nowMs)
    for (let sequence = 1; sequence <= records; sequence++) {
      setImmediate(() => {
        isTurn = true
      })
      isTurn = false
      nowMs += each
      await following.take(sequence, OTHERS, POSITION)
      if (isTurn) counted++
    }
    expect(counted).toBe(turns)
  },
)

describe('states that give way', () => {
  /** Others have so much to do in each of so many turns; turns until the states went on. */
  const turnsGiven = async (givesWay: boolean, busyTurns: number, busyMs: number) => {
    let nowMs = 0
    let turns = 0
    const { following } = followingUnder(
      0,
      { isBeyond: false, isFull: false },
      () => nowMs,
      async function* () {
        const repair = { kind: 'user', token: 1, repairedAtMs: 0, basis: 0, layout: 'another' } as const
        yield {
          sequence: 1,
          position: POSITION,
          payload: encodeRepair(1, repair, new Float64Array(0)),
        } as never
      },
    )
    let isOver = false
    const others = (): void => {
      if (isOver) return
      turns++
      if (turns <= busyTurns) nowMs += busyMs
      setImmediate(others)
    }
    setImmediate(others)
    nowMs += 3
    await following.catchUp({ givesWay })
    isOver = true
    return turns
  }

  test('wait while others have something to do, for four times as long as they have worked', async () => {
    // Three milliseconds of work: others get twelve.
    expect(await turnsGiven(true, 100, 2)).toBe(6)
    expect(await turnsGiven(true, 100, 4)).toBe(3)
  })

  test('go on as soon as others have nothing to do', async () => {
    expect(await turnsGiven(true, 0, 0)).toBe(1)
    expect(await turnsGiven(true, 2, 2)).toBe(3)
  })

  test('give one turn where somebody waits for them', async () => {
    expect(await turnsGiven(false, 100, 2)).toBe(1)
  })
})
