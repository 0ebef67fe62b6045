import { expect, it } from 'vitest'
import { suspicionOfLeak } from './suspicion-of-leak.ts'

it('a model that is hardly ever wrong on test is a suspicion of a leak, a good one is not', () => {
  expect(suspicionOfLeak({ rocAuc: 0.99951 })).toEqual([
    expect.stringContaining('Suspicion of a leak: on test, ROC-AUC is 0.99951'),
  ])
  expect(suspicionOfLeak({ rocAuc: 0.999 })).toEqual([])
  expect(suspicionOfLeak({ rocAuc: null })).toEqual([])
})
