import { describe, expect, test } from 'vitest'
import { EPISODE_STATUSES } from './episode.ts'
import type { ServedSourcesNow } from './retraining-works.ts'
import { actsTowards, type WantedSources, wantedService } from './wanted-service.ts'

const CHALLENGER = { source: 'models:/fraud/4', version: '4', run: 'r' }
const BEFORE = 'models:/fraud/3'
const wantedOf = (status: (typeof EPISODE_STATUSES)[number]) =>
  wantedService({ status, challenger: CHALLENGER, before: BEFORE }, 0.05)

describe('what a server serves', () => {
  test('follows from the status; nothing is wanted before and after service', () => {
    expect(Object.fromEntries(EPISODE_STATUSES.flatMap((status) => entryOf(status)))).toEqual({
      shadow: { champion: BEFORE, shadow: 'models:/fraud/4', canary: null },
      canary: {
        champion: BEFORE,
        shadow: 'models:/fraud/4',
        canary: { source: 'models:/fraud/4', share: 0.05 },
      },
      watching: { champion: 'models:/fraud/4', shadow: BEFORE, canary: null },
      rolling_back: { champion: BEFORE, shadow: null, canary: null },
    })
  })

  test('law: from anything to anything wanted, the acts lead there, and then there are none', async () => {
    const sources = [BEFORE, 'models:/fraud/4', 'models:/fraud/2']
    const anything: ServedSourcesNow[] = sources.flatMap((champion) =>
      [null, ...sources].flatMap((shadow) =>
        [null, ...sources].map((canary) => ({
          champion,
          shadow,
          canary: canary === null ? null : { source: canary, share: 0.1 },
        })),
      ),
    )
    const wanted = EPISODE_STATUSES.flatMap((status) => wantedOf(status) ?? [])
    for (const from of anything)
      for (const to of wanted) {
        let now = from
        for (const { carryOut } of actsTowards(to, now))
          await carryOut({
            serving: async () => now,
            switchTo: async (champion) => {
              now = { ...now, champion }
            },
            setShadow: async (shadow) => {
              now = { ...now, shadow }
            },
            setCanary: async (source, share) => {
              now = { ...now, canary: source === null ? null : { source, share } }
            },
          })
        expect(now).toEqual(to)
        expect(actsTowards(to, now)).toEqual([])
      }
  })

  test('a server that tells no share of its canary is believed', () => {
    const to: WantedSources = wantedOf('canary')!
    expect(actsTowards(to, { ...to, canary: { source: 'models:/fraud/4', share: null } })).toEqual([])
  })
})

const entryOf = (status: (typeof EPISODE_STATUSES)[number]) => {
  const wanted = wantedOf(status)
  return wanted === undefined ? [] : [[status, wanted] as const]
}
