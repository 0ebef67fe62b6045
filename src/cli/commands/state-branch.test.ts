import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { CommandContext, CommandInput } from '../command.ts'
import { adminApi, type ServedBranch } from './admin-api.ts'
import { type BranchRequest, branch } from './state-branch.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server = undefined
})

const branchOf = (layout: string, about: Partial<ServedBranch>): ServedBranch => ({
  layout,
  model: { name: 'bank', version: layout },
  shadow: null,
  source: null,
  decided_through: null,
  last_sequence: 100,
  records_behind: 0,
  bytes: 0,
  failure: '',
  ...about,
})

/** Answers as a server does, and ends so many connections in the middle of a switch. */
const serve = async (answer: object, cuts = 0) => {
  const asked: string[] = []
  let left = cuts
  const listening = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += bytes
    })
    request.on('end', () => {
      if (request.url === '/admin/models/switch') {
        if (left-- > 0) return void request.socket.destroy()
        asked.push((JSON.parse(body) as { source: string }).source)
      }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked }
}

/**
 * `vigia state migrate --back` beside a server that has these, and ends so many connections in the middle of
 * the act. @returns what it asked to decide
 */
const goBack = async (branches: readonly ServedBranch[], cuts = 0): Promise<string | undefined> => {
  const { url, asked } = await serve({ branches }, cuts)
  const request = {
    context: { environment: {}, json: true, stdout: { write: () => true } } as unknown as CommandContext,
    input: { arguments: ['migrate'], options: { back: true, server: url } } as unknown as CommandInput,
    settings: { api: {}, security: {}, state_store: { kind: 'lmdb' } },
    tools: {},
  } as unknown as BranchRequest
  await branch(request)
  return asked[0]
}

describe('going back to the states of before', () => {
  test('lets those decide again that have decided last, however many follow', async () => {
    const asked = await goBack([
      branchOf('a', { source: 'runs/a', decided_through: 20, last_sequence: 101 }),
      branchOf('b', { source: 'runs/b', decided_through: 60 }),
      branchOf('c', {}),
    ])
    expect(asked).toBe('runs/b')
  })

  test('asks again when the connection is ended before the answer, not when nobody answers', async () => {
    const branches = [branchOf('a', { source: 'runs/a', decided_through: 20 })]
    expect(await goBack(branches, 3)).toBe('runs/a')
    await expect(goBack(branches, 100)).rejects.toMatchObject({ code: 'SERVING_UNREACHABLE' })
  })

  test('says what is there when none has ever decided', async () => {
    await expect(goBack([])).rejects.toThrow(
      'There are no states to go back to: those that decide are the first that have decided here, and beside them there are no others',
    )
    await expect(goBack([branchOf('a', {}), branchOf('b', {})])).rejects.toThrow(
      'beside them those of a, made for bank a, follow, those of b, made for bank b, follow and have decided nothing',
    )
  })
})

test.each([
  ['says', { branches: [], unfilled_cache_bytes: 300 }, 300],
  // A version before said nothing of it.
  ['does not say', { branches: [] }, 0],
])('a server that %s what its cache has not filled yet', async (_, answer, unfilledCacheBytes) => {
  const { url } = await serve(answer)
  const api = adminApi({ api: {}, security: {} } as never, url, {})
  expect(await api.find()).toEqual({ branches: [], unfilledCacheBytes })
})
