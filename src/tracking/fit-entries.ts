import { sha256 } from '../foundation/hash.ts'
import type { RunEntries } from '../ports/experiment-tracker.ts'
import { checkTrackingKey, TRACKING_LIMITS } from '../ports/tracking-limits.ts'

/**
 * Artifact of a run that holds the values which a parameter or tag could not hold: in JSON they are whole.
 */
export const LONG_VALUES_FILE = 'long-values.json'

/** Entries that every tracker takes, and what they could not hold. */
export interface FittedEntries extends RunEntries {
  /** Whole values by `parameter <key>` and `tag <key>`, of which the entries hold what they can. */
  readonly longValues: Readonly<Record<string, string>>
}

/**
 * Entries within the limits of the trackers, so that nothing is refused or lost: a value that is too long
 * keeps its beginning and says where the whole is, half a character (which no UTF-8 holds) is replaced, and a
 * key that is not allowed gets an allowed one, beside a tag `vigia.renamed.<new key>` with the first.
 */
export const fitEntries = ({ params = {}, tags = {}, metrics = [] }: RunEntries): FittedEntries => {
  const longValues: Record<string, string> = {}
  const renamed: Record<string, string> = {}
  const fitKey = (key: string): string => {
    const fitted = allowedKey(key)
    if (fitted !== key)
      renamed[`vigia.renamed.${fitted}`] = key
        .slice(0, TRACKING_LIMITS.tag)
        .replace(HALF_CHARACTERS, '\uFFFD')
    return fitted
  }
  const fitTexts = (
    texts: Readonly<Record<string, string>>,
    kind: 'parameter' | 'tag',
    limit: number,
  ): Record<string, string> =>
    Object.fromEntries(
      Object.entries(texts).map(([key, value]) => {
        const fitted = fitKey(key)
        const text = value.replace(HALF_CHARACTERS, '\uFFFD')
        if (text === value && text.length <= limit) return [fitted, value]
        longValues[`${kind} ${fitted}`] = value
        return [fitted, text.length <= limit ? text : shortened(text, limit)]
      }),
    )
  const fitted = {
    params: fitTexts(params, 'parameter', TRACKING_LIMITS.param),
    tags: fitTexts(tags, 'tag', TRACKING_LIMITS.tag),
    metrics: metrics.map((metric) => ({ ...metric, key: fitKey(metric.key) })),
  }
  return { ...fitted, tags: { ...fitted.tags, ...renamed }, longValues }
}

/** One of a surrogate pair without the other. */
const HALF_CHARACTERS = /\p{Cs}/gu

const shortened = (value: string, limit: number): string => {
  const pointer = `… (${value.length} characters, whole in ${LONG_VALUES_FILE})`
  // A character of two units is not cut in the middle: half of one is no text.
  return value.slice(0, limit - pointer.length).replace(/[\uD800-\uDBFF]$/, '') + pointer
}

/**
 * The key itself where it is allowed; otherwise what is allowed of it with a hash, so that two keys never
 * become one.
 */
const allowedKey = (key: string): string => {
  if (isAllowed(key)) return key
  const readable = key
    .replace(/[^\p{L}\p{N}_\-. :]/gu, '_')
    .slice(0, 200)
    .replace(/[\uD800-\uDBFF]$/, '')
  return `${readable}_${sha256(key).slice(0, 8)}`
}

const isAllowed = (key: string): boolean => {
  try {
    // Room for `vigia.renamed.` is not needed here: a renamed key is shorter.
    checkTrackingKey('Key', key)
    return true
  } catch {
    return false
  }
}
