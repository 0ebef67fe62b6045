import { expect, test } from 'vitest'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { Artifact } from '../../model/artifact.ts'
import { loadProduction, whyOtherFeatures } from './production-model.ts'

test('a model is compared on features that were computed in its own way, also when there are more of them', () => {
  expect(why({})).toBeUndefined()
  expect(why({ names: ['log_amount', 'hour', 'added'] })).toBeUndefined()
})

test('what differs is named', () => {
  expect(why({ names: ['hour'] })).toBe('this run does not compute its feature log_amount')
  expect(why({ settings: { features: { windows: ['7d'] }, labels: { delay: '7d' } } })).toBe(
    'its features were computed with other settings (features)',
  )
  expect(why({ settings: { features: { windows: ['1d'] }, labels: { delay: '3d' } } })).toBe(
    'its features were computed with other settings (labels)',
  )
  expect(why({ fitted: { features: fitted(2), cleaning: cleaning(1) } })).toBe(
    'its vocabularies or amount bands were fitted on other training rows',
  )
  expect(why({ fitted: { features: fitted(1), cleaning: cleaning(2) } })).toBe(
    'its rows were cleaned with what other training rows say',
  )
})

test('a folder that holds no model is a reason, not a failure', async () => {
  const production = await loadProduction('no-such-folder', ORIGIN)
  expect(production).toMatchObject({ reason: expect.stringContaining('no-such-folder') })
})

// Compared as JSON: what they hold is of no concern here.
const fitted = (seed: number) => ({ seed }) as unknown as FittedFeatures
const cleaning = (seed: number) => ({ seed }) as unknown as FittedCleaning

const ORIGIN = {
  names: ['log_amount', 'hour'],
  settings: { features: { windows: ['1d'] }, labels: { delay: '7d' } },
  fitted: { features: fitted(1), cleaning: cleaning(1) },
}

const MODEL = {
  manifest: {
    features: { names: ['log_amount', 'hour'] },
    featureSettings: ORIGIN.settings,
    fitted: ORIGIN.fitted,
  },
} as unknown as Pick<Artifact, 'manifest'>

const why = (change: Partial<typeof ORIGIN>) => whyOtherFeatures(MODEL, { ...ORIGIN, ...change })
