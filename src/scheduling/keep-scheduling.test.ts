import { expect, test } from 'vitest'
import { keepScheduling } from './keep-scheduling.ts'
import { EMPTY_RUNS } from './run-book.ts'
import type { Scheduler } from './scheduler.ts'

test('turns follow each other until it is ended; trouble is told once while it lasts, and what runs is ended last', async () => {
  const did: string[] = []
  const troubles: string[] = []
  let turns = 0
  const scheduler: Scheduler = {
    turn: async () => {
      did.push(`turn ${++turns}`)
      if (turns === 2 || turns === 3) throw new Error('the disk is full')
      if (turns === 5) throw new Error('the disk is full')
    },
    next: () => new Map(),
    book: () => Promise.reject(new Error('not asked for')),
    known: () => EMPTY_RUNS,
    stop: async () => {
      did.push('stopped')
    },
  }
  await new Promise<void>((resolve) => {
    const stop = keepScheduling({
      scheduler,
      onTrouble: (error) => troubles.push((error as Error).message),
      pause: async () => {
        if (turns === 5) void stop().then(resolve)
        await new Promise((next) => setImmediate(next))
      },
    })
  })
  expect(did).toEqual(['turn 1', 'turn 2', 'turn 3', 'turn 4', 'turn 5', 'stopped'])
  expect(troubles).toEqual(['the disk is full', 'the disk is full'])
})
