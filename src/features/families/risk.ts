import type { EntitySource, Feature, FeatureFamily } from '../feature.ts'
import { windowText } from '../phrase.ts'

const ONWARDS = Number.POSITIVE_INFINITY

/**
 * What has become known of a merchant's or device's past frauds.
 *
 * Windows are `(t - delay - w, t - delay]`, and of the transactions in them only those count whose label is
 * known when this one arrives: nobody can know more, so nobody should train on more.
 */
export const risk: FeatureFamily = {
  name: 'risk',
  title: 'Risk',
  meaning:
    "What has become known of a merchant's or device's past frauds, no earlier than it could be known.",
  features: ({ riskWindows }) => [
    ...riskWindows.flatMap((window) => riskOf('merchant', window, ({ merchant }) => merchant)),
    ...riskWindows.flatMap((window) => riskOf('device', window, ({ device }) => device)),
  ],
}

const riskOf = (
  kind: 'merchant' | 'device',
  window: string,
  choose: (sources: Parameters<Feature['bind']>[0]) => EntitySource,
): Feature[] => [
  {
    name: `${kind}_labelled_count_${window}`,
    meaning: `Transactions of the ${kind} in the ${window} that end one label delay ago, whose label is known.`,
    unit: 'transactions',
    range: [0, ONWARDS],
    missing: `missing when the transaction names no ${kind}; 0 when there are none`,
    phrase: {
      text: `${kind} has {} in the last ${windowText(window)} of known labels`,
      at: { 0: `${kind} has no transaction in the last ${windowText(window)} of known labels` },
      missing: `no ${kind} given`,
    },
    bind: (sources) => {
      const reading = choose(sources).risk(window)
      return () => reading.labelled
    },
  },
  {
    name: `${kind}_risk_${window}`,
    meaning: `Share of frauds among the ${kind}'s labelled transactions in the ${window} that end one label delay ago.`,
    unit: 'share',
    range: [0, 1],
    missing: `missing when the transaction names no ${kind}; 0 when there are none`,
    phrase: {
      text: `{} of the ${kind}'s transactions in the last ${windowText(window)} of known labels were fraud`,
      at: { 0: `no fraud of the ${kind} in the last ${windowText(window)} of known labels` },
      missing: `no ${kind} given`,
    },
    bind: (sources) => {
      const reading = choose(sources).risk(window)
      return () => (reading.labelled === 0 ? 0 : reading.frauds / reading.labelled)
    },
  },
]
