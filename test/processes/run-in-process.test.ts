import { getPriority } from 'node:os'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../src/errors.ts'
import { runInProcess } from '../../src/threads/run-in-process.ts'

const ask = <Result>(
  how: string,
  signal = new AbortController().signal,
  answer?: (question: object) => Promise<unknown>,
): Promise<Result> =>
  runInProcess<Result>({
    module: new URL('./answer.mjs', import.meta.url),
    request: { how },
    environment: { ...process.env, WORD: 'amount' },
    heapMiB: 64,
    signal,
    ...(answer !== undefined && { answer }),
  })

describe('work in a process of its own', () => {
  it('is answered, with the environment that it was given, behind the one that asked', async () => {
    const { priority, processId, word } = await ask<{ priority: number; processId: number; word: string }>(
      'answer',
    )
    expect(word).toBe('amount')
    expect(processId).not.toBe(process.pid)
    if (process.platform !== 'win32') expect(priority).toBe(Math.max(10, getPriority()))
    // It was let go of.
    await expect.poll(() => isAlive(processId)).toBe(false)
  })

  it('ends with the error of the registry that it ended with there', async () => {
    await expect(ask('refuse')).rejects.toMatchObject({
      code: 'DURATION_INVALID',
      details: { got: '7 apples' },
    })
  })

  it('asks whoever it works for meanwhile, and gets errors as answers too', async () => {
    const answer = async (question: object): Promise<unknown> => {
      const { of } = question as { readonly of: string }
      if (of === 'nothing') throw new VigiaError('DURATION_INVALID', { got: of })
      return `${of} is set`
    }
    expect(await ask('ask', undefined, answer)).toEqual({
      answers: ['shadow is set', 'canary is set'],
      refused: { code: 'DURATION_INVALID', details: { got: 'nothing' } },
    })
  })

  it('says what else went wrong, and how it ended without an answer', async () => {
    await expect(ask('fail')).rejects.toThrow('seven apples')
    await expect(ask('end')).rejects.toThrow('it ended with 3')
  })

  it('is ended with the signal, for its reason, and is not begun after it', async () => {
    const ending = new AbortController()
    const hanging = ask('hang', ending.signal)
    setImmediate(() => ending.abort(new Error('the server closes')))
    await expect(hanging).rejects.toThrow('the server closes')
    await expect(ask('answer', ending.signal)).rejects.toThrow('the server closes')
  })
})

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
