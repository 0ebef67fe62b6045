import type { Episode } from './episode.ts'
import type { ServedSourcesNow, ServingControl } from './retraining-works.ts'

/** Sources as `ServedSourcesNow`, the share of a canary known. */
export interface WantedSources extends ServedSourcesNow {
  readonly canary: { readonly source: string; readonly share: number } | null
}

/**
 * What a server serves while an episode has this status; undefined: whatever it serves.
 *
 * It is held against what the server says at every step, so a server that was started anew meanwhile is put
 * right, and an act that a crash cut off is done again.
 */
export const wantedService = (
  { status, challenger, before }: Pick<Episode, 'status' | 'challenger' | 'before'>,
  canaryShare: number,
): WantedSources | undefined => {
  if (challenger === undefined || before === undefined) return undefined
  const { source } = challenger
  switch (status) {
    case 'shadow':
      return { champion: before, shadow: source, canary: null }
    // It goes on in the shadow of the others: they are scored by both.
    case 'canary':
      return { champion: before, shadow: source, canary: { source, share: canaryShare } }
    case 'watching':
      return { champion: source, shadow: before, canary: null }
    case 'rolling_back':
      return { champion: before, shadow: null, canary: null }
    default:
      return undefined
  }
}

/** Acts that lead from what is served to what is wanted, in words and in order; none where it is the same. */
export const actsTowards = (
  wanted: WantedSources,
  now: ServedSourcesNow,
): readonly { readonly what: string; readonly carryOut: (control: ServingControl) => Promise<void> }[] => {
  const { champion, shadow, canary } = wanted
  const isSameCanary =
    now.canary?.source === canary?.source && (now.canary?.share == null || now.canary.share === canary?.share)
  return [
    ...(isSameCanary || canary !== null
      ? []
      : [{ what: 'end the canary', carryOut: (control: ServingControl) => control.setCanary(null, 0) }]),
    ...(now.champion === champion
      ? []
      : [
          {
            what: `let ${champion} decide`,
            carryOut: (control: ServingControl) => control.switchTo(champion),
          },
        ]),
    ...(now.shadow === shadow
      ? []
      : [
          {
            what: shadow === null ? 'end the shadow' : `let ${shadow} score beside`,
            carryOut: (control: ServingControl) => control.setShadow(shadow),
          },
        ]),
    ...(isSameCanary || canary === null
      ? []
      : [
          {
            what: `let ${canary.source} decide for ${100 * canary.share} % of the users`,
            carryOut: (control: ServingControl) => control.setCanary(canary.source, canary.share),
          },
        ]),
  ]
}
