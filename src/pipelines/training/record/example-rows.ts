import type { Artifact } from '../../../model/artifact.ts'

/**
 * Rows that show what a model takes: lower quartiles, medians and upper quartiles of its features on the
 * training rows, the most frequent code of a categorical one; in the order of the features. Nobody's
 * transaction is among them, so they may go anywhere.
 */
export const exampleRows = ({ manifest, reference }: Artifact): readonly (readonly number[])[] =>
  [0.25, 0.5, 0.75].map((share) =>
    manifest.features.names.map((name) => {
      const profile = reference.features[name]
      if (profile === undefined || profile.count === 0) return Number.NaN
      if (profile.kind === 'numeric')
        return profile.edges[Math.floor(share * (profile.edges.length - 1))] ?? profile.min
      return profile.codes[profile.counts.indexOf(Math.max(...profile.counts))] ?? Number.NaN
    }),
  )
