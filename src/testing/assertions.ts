import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Deep equality of data. Classes do not matter (a Buffer is its bytes), nor does it whether an undefined
 * member is left out: implementations are free in both. NaN equals NaN, and 0 is not -0.
 */
export const same = (actual: unknown, expected: unknown, where?: string): void =>
  compare(plain(actual), plain(expected), where)

/** Equality of long byte sequences; a failure names the first byte that differs. */
export const sameBytes = (actual: Uint8Array | undefined, expected: Uint8Array, where = 'bytes'): void => {
  assert.equal(actual?.length, expected.length, `${where}: length`)
  const at = expected.findIndex((byte, i) => byte !== actual?.[i])
  assert.equal(at, -1, `${where}: byte ${at} is ${actual?.[at]} and should be ${expected[at]}`)
}

/** `actual` has at least the members of `expected`, and they are the same. */
export const has = (actual: object, expected: Readonly<Record<string, unknown>>): void =>
  same(Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(actual, key)])), expected)

/** The promise is rejected with an error of this code. */
export const refuses = async (promise: Promise<unknown>, code: string): Promise<void> => {
  const answer = await promise.then(
    () => 'no error',
    (error: unknown) => codeOf(error),
  )
  assert.equal(answer, code)
}

/** `work` throws at once, with an error of this code. */
export const refusesAtOnce = (work: () => unknown, code: string): void => {
  let thrown = 'no error'
  try {
    work()
  } catch (error) {
    thrown = codeOf(error)
  }
  assert.equal(thrown, code)
}

/** Codes of what was rejected, in order. */
export const codesOf = (outcomes: readonly PromiseSettledResult<unknown>[]): string[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [codeOf(outcome.reason)] : []))

/** Tries again until `check` throws nothing. @throws what it threw last, after 20 seconds of tries */
export const eventually = async (check: () => Promise<void>): Promise<void> => {
  for (let tries = 1; ; tries++)
    try {
      return await check()
    } catch (error) {
      if (tries === MOST_TRIES) throw error
      await pause(PAUSE_MS)
    }
}

const PAUSE_MS = 20
const MOST_TRIES = 1000

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && new TextDecoder().decode(bytes)

/** What `make` gives for 0 to 9. */
export const tenOf = <T>(make: (i: number) => T): T[] => Array.from({ length: 10 }, (_, i) => make(i))

/** The whole numbers from 1 to `last`. */
export const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

const codeOf = (error: unknown): string =>
  String((error as { readonly code?: unknown } | null | undefined)?.code ?? error)

const compare = (actual: unknown, expected: unknown, where: string | undefined): void => {
  try {
    assert.deepStrictEqual(actual, expected)
  } catch (error) {
    if (where !== undefined && error instanceof Error) error.message = `${where}: ${error.message}`
    throw error
  }
}

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, plain(member)]))
}
