import { FIGURES } from '../../../evaluation/figures.ts'
import type { TrackedRun } from '../../../ports/experiment-tracker.ts'
import { byName } from './run-text.ts'

/** Parts of the data that figures are of, in the order they are shown. */
export const PARTS = ['test', 'validation', 'train'] as const

/** `test.roc_auc` is `roc_auc` of the part `test`; undefined for a metric of no part. */
export const partOf = (
  key: string,
): { readonly part: (typeof PARTS)[number]; readonly figure: string } | undefined => {
  const part = PARTS.find((candidate) => key.startsWith(`${candidate}.`))
  return part === undefined ? undefined : { part, figure: key.slice(part.length + 1) }
}

/** Place of the part of a metric among the parts; after them where it is of none. */
export const partRank = (key: string): number => {
  const part = partOf(key)?.part
  const rank = part === undefined ? -1 : PARTS.indexOf(part)
  return rank === -1 ? PARTS.length : rank
}

/** Ends of an interval, which are shown with their figure: `test.roc_auc.low`. */
export const isIntervalEnd = (key: string, { metrics }: Pick<TrackedRun, 'metrics'>): boolean =>
  /\.(low|high)$/.test(key) && metrics[key.replace(/\.(low|high)$/, '')] !== undefined

/** The figures that models are chosen by first, the others by name. */
export const byImportance = (a: string, b: string): number => rankOf(a) - rankOf(b) || byName(a, b)

const rankOf = (key: string): number => {
  const figure = partOf(key)?.figure ?? key
  const rank = MAIN_FIGURES.indexOf(figure)
  return rank === -1 ? MAIN_FIGURES.length : rank
}

const MAIN_FIGURES = FIGURES.map(({ name }): string => name)

/**
 * Which values of a metric are better, where its name says so: counts and properties of the data say nothing.
 */
export const directionOf = (key: string): 'higher' | 'lower' | undefined => {
  const words = key.split('.')
  if (['low', 'high', 'deviation'].includes(words.at(-1) ?? '')) return undefined
  return words.map((word) => DIRECTIONS.get(word)).find((direction) => direction !== undefined)
}

const DIRECTIONS: ReadonlyMap<string, 'higher' | 'lower'> = new Map([
  ...FIGURES.map(({ name, better }) => [name, better] as const),
  // Of runs that others have recorded.
  ['accuracy', 'higher'],
  ['loss', 'lower'],
])
