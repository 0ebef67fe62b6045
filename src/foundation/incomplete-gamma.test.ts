import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { gammaQuantile, gammaShares, logGamma } from './incomplete-gamma.ts'
import { normalTail } from './normal-distribution.ts'
import { normalQuantile } from './normal-quantile.ts'

interface Golden {
  readonly log_gamma: readonly { readonly x: number; readonly value: number }[]
  readonly gamma: readonly {
    readonly shape: number
    readonly x: number
    readonly lower: number
    readonly upper: number
  }[]
  readonly gamma_quantile: readonly {
    readonly shape: number
    readonly probability: number
    readonly value: number
  }[]
  readonly normal: readonly { readonly z: number; readonly tail: number }[]
}

const golden = JSON.parse(readFileSync('test/golden/performance.json', 'utf8')) as Golden

describe('gamma and normal distributions, against SciPy', () => {
  it('ln gamma', () => {
    for (const { x, value } of golden.log_gamma)
      expect(Math.abs(logGamma(x) - value)).toBeLessThan(1e-13 * Math.max(1, Math.abs(value)))
  })

  it('both incomplete gamma functions', () => {
    for (const { shape, x, lower, upper } of golden.gamma) {
      const found = gammaShares(shape, x)
      expect(Math.abs(found.lower / lower - 1)).toBeLessThan(1e-9)
      expect(Math.abs(found.upper / upper - 1)).toBeLessThan(1e-9)
    }
  })

  it('quantiles', () => {
    for (const { shape, probability, value } of golden.gamma_quantile)
      expect(Math.abs(gammaQuantile(shape, probability) / value - 1)).toBeLessThan(1e-10)
  })

  it('normal tails, and their inverse', () => {
    for (const { z, tail } of golden.normal) {
      expect(Math.abs(normalTail(z) / tail - 1)).toBeLessThan(1e-9)
      expect(Math.abs(normalQuantile(1 - tail) - z)).toBeLessThan(1e-5)
    }
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 10)
  })

  it('a quantile of shape 0 or probability 0 is 0', () => {
    expect(gammaQuantile(0, 0.5)).toBe(0)
    expect(gammaQuantile(3, 0)).toBe(0)
  })
})
