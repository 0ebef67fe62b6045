import { expect, test } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

test('tasks are done one after the other, in their order, also after one that failed', async () => {
  const queue = createBoundedQueue(10, 'tasks')
  const seen: string[] = []
  const task =
    (name: string, fails = false) =>
    async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const outcomes = await Promise.allSettled([
    queue.run(task('a')),
    queue.run(task('b', true)),
    queue.run(task('c')),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(queue.status()).toEqual({ waiting: 0, done: 3, refused: 0 })
})

test('those beyond the bound are turned away at once, and are counted', async () => {
  const queue = createBoundedQueue(2, 'tasks')
  let end: () => void = () => undefined
  const first = queue.run(
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  const second = queue.run(async () => undefined)
  await expect(queue.run(async () => undefined)).rejects.toMatchObject({
    code: 'SERVING_OVERLOADED',
    status: 503,
    message: expect.stringContaining('2 tasks wait'),
  })
  expect(queue.status()).toEqual({ waiting: 2, done: 0, refused: 1 })
  end()
  await Promise.all([first, second])
  await queue.idle()
  await queue.run(async () => undefined)
  expect(queue.status()).toEqual({ waiting: 0, done: 3, refused: 1 })
})
