import { canonicalJson } from '../foundation/canonical-json.ts'
import type { Ingredients } from './step-manifest.ts'

/**
 * Why outputs made from `before` cannot serve for `now`; undefined when they can.
 *
 * One reason is enough to act on; the order is from what people changed most likely on purpose to what they
 * may not know.
 */
export const whyOutdated = (before: Ingredients, now: Ingredients): string | undefined => {
  if (canonicalJson(before.sources) !== canonicalJson(now.sources)) return 'source changed'
  const input = Object.keys(now.inputs).find((name) => before.inputs[name] !== now.inputs[name])
  if (input !== undefined) return `output of ${input} changed`
  if (Object.keys(before.inputs).length !== Object.keys(now.inputs).length) return 'it reads other steps now'
  const settings = changedSettings(before.settings, now.settings)
  if (settings.length > 0) return settings.join('; ')
  return before.code === now.code ? undefined : 'code changed'
}

/** Settings by dotted path. Lists and empty groups count as one value. */
export const flattenSettings = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const flat: Record<string, unknown> = {}
  const visit = (value: unknown, path: string): void => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isGroup && Object.keys(value).length > 0)
      for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`)
    else if (value !== undefined) flat[path] = value
  }
  visit(settings, '')
  return flat
}

/** At most this many changed settings are told one by one. */
const MOST_SETTINGS_TOLD = 3

/** Which settings differ, in words. */
export const changedSettings = (before: Ingredients['settings'], now: Ingredients['settings']): string[] => {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (path) => told(before[path]) !== told(now[path]),
  )
  const named = changed
    .slice(0, MOST_SETTINGS_TOLD)
    .map((path) => `setting ${path} changed from ${told(before[path])} to ${told(now[path])}`)
  const rest = changed.length - named.length
  return rest > 0 ? [...named, `${rest} more settings changed`] : named
}

const told = (value: unknown): string => (value === undefined ? 'nothing' : canonicalJson(value))
