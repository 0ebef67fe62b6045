import type { Entity } from '../transaction/entities.ts'
import type { Dimension } from './state/layout.ts'

const WORDS: Readonly<Record<string, string>> = {
  user: 'user',
  merchant: 'merchant',
  category: 'merchant category',
  location: 'place',
  device: 'device',
}

/** What a dimension is called in sentences. */
export const wordOf = (dimension: Dimension, own: readonly Entity[]): string =>
  WORDS[dimension] ?? own.find(({ name }) => name === dimension)?.word ?? dimension.replaceAll('_', ' ')
