import { freemem } from 'node:os'

/**
 * Part of the free memory that learning may take by itself: the rest is for what its estimate does not know.
 */
const FREE_SHARE = 0.8

const UNITS = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const

/**
 * Bytes that a fit may take, by `resources.learning_memory`: a size such as `8GB`, or `auto` for four fifths
 * of what the machine, or the container, has free now.
 */
export const learningMemoryBytes = (setting: string): number =>
  setting === 'auto' ? FREE_SHARE * freeBytes() : sizeInBytes(setting)

/** Bytes of a size such as `8GB`. */
export const sizeInBytes = (size: string): number => {
  const [, number = '', unit = ''] = /^([\d.]+)([KMGT]B)$/.exec(size) ?? []
  return Number(number) * UNITS[unit as keyof typeof UNITS]
}

/** Knows the limits of a container where Node does (20.13 and later). */
const freeBytes = (): number => Math.min(process.availableMemory?.() ?? Number.POSITIVE_INFINITY, freemem())
