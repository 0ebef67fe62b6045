import { expect, test } from 'vitest'
import { createTestServer } from './serving.test-kit.ts'

test.each([
  [
    'tells what they may still take, beside those in memory',
    { cacheBytes: 1000 },
    { unfilled_cache_bytes: 700 },
  ],
  [
    'and nothing when they have more than they may for a moment',
    { cacheBytes: 200 },
    { unfilled_cache_bytes: 0 },
  ],
  ['has no such figure where they are kept elsewhere', {}, {}],
])('the list of states that follow %s', async (_, given, told) => {
  const { app, pipeline } = await createTestServer({
    branches: { list: () => [], adopt: () => Promise.reject(new Error('unasked')), drop: async () => [] },
    ...given,
  })
  const status = pipeline.status()
  pipeline.status = () => ({ ...status, store: { ...status.store, cachedBytes: 300 } })
  const answer = await app.inject('/admin/state/branches')
  expect(answer.json()).toEqual({ branches: [], ...told })
  await app.close()
})
