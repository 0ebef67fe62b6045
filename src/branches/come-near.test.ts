import { describe, expect, it } from 'vitest'
import { comeNear } from './come-near.ts'

/** States on a log that gets `comes` records while they take in one of theirs. @returns how many rounds */
const rounds = async (behind: number, comes: number): Promise<number> => {
  let left = behind
  let count = 0
  const follow = async (): Promise<void> => {
    count++
    left = Math.round(left * comes)
  }
  await comeNear({ name: '0f3a9c', behind: () => left, follow }, 512)
  return count
}

describe('states that are to decide', () => {
  it('come near when the log goes on more slowly than they take it in', async () => {
    expect(await rounds(100, 0.5)).toBe(1)
    expect(await rounds(100_000, 0.5)).toBe(9)
    expect(await rounds(100_000, 0.85)).toBe(37)
  })

  it('come near however far they are, when each round brings them a little nearer', async () => {
    expect(await rounds(1_000_000, 0.995)).toBeGreaterThan(1000)
  })

  it('decide when a second of work stays', async () => {
    expect(await rounds(4000, 1)).toBe(100)
  })

  it.each([1, 1.2])(
    'are refused when %d records come while one is taken in, and requests go on',
    async (comes) => {
      await expect(rounds(100_000, comes)).rejects.toMatchObject({
        code: 'SERVING_BRANCH_SLOW',
        message: expect.stringMatching(/layout 0f3a9c cannot decide yet: .* they lacked 100000 when/),
        fix: expect.stringContaining('512 MiB'),
      })
    },
  )
})
