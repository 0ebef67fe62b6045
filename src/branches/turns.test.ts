import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const gate = () => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

test('work is done in its order, and says how much waits for the one under way', async () => {
  const turns = new Turns()
  const { open, opened } = gate()
  const seen: string[] = []
  const first = turns.run(async () => {
    seen.push(`first, ${turns.waiting} wait`)
    await opened
    seen.push(`first ends, ${turns.waiting} waits`)
    return 1
  })
  const second = turns.run(async () => {
    seen.push(`second, ${turns.waiting} wait`)
    return 2
  })
  await Promise.resolve()
  expect(turns.waiting).toBe(1)
  open()
  expect(await Promise.all([first, second])).toEqual([1, 2])
  expect(seen).toEqual(['first, 1 wait', 'first ends, 1 waits', 'second, 0 wait'])
})

test('work that fails or throws hinders none after it', async () => {
  const turns = new Turns()
  const failing = turns.run(async () => Promise.reject(new Error('fails')))
  const throwing = turns.run(() => {
    throw new Error('throws')
  })
  const last = turns.run(async () => 'done')
  await expect(failing).rejects.toThrow('fails')
  await expect(throwing).rejects.toThrow('throws')
  expect(await last).toBe('done')
  await turns.ended()
  expect(turns.waiting).toBe(0)
})
