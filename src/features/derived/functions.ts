import { log } from '../../foundation/elementary/logarithm.ts'
import { pow } from '../../foundation/elementary/power.ts'
/**
 * A function of numbers. NaN is a missing value and gives NaN, whatever the function of two numbers says;
 * what is no finite number becomes missing.
 */
export interface NumberFunction {
  readonly least: number
  readonly most: number
  readonly of: (...numbers: readonly number[]) => number
}

const one = (of: (x: number) => number): NumberFunction => ({
  least: 1,
  most: 1,
  of: of as NumberFunction['of'],
})

const several = (of: (...numbers: readonly number[]) => number): NumberFunction => ({
  least: 1,
  most: 16,
  of,
})

/** Half away from zero, as `math.round` of CEL's extension does. */
const round = (x: number): number => {
  const whole = Math.trunc(x)
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole
}

/**
 * The functions of expressions, by name. Those of `math` are CEL's math extension, of which CEL itself has
 * none; `log` (natural) and `pow` are ours.
 */
export const FUNCTIONS: Readonly<Record<string, NumberFunction>> = {
  'math.abs': one(Math.abs),
  'math.ceil': one(Math.ceil),
  'math.floor': one(Math.floor),
  'math.round': one(round),
  'math.trunc': one(Math.trunc),
  'math.sign': one(Math.sign),
  'math.sqrt': one(Math.sqrt),
  'math.least': several(Math.min),
  'math.greatest': several(Math.max),
  log: one(log),
  pow: { least: 2, most: 2, of: pow as NumberFunction['of'] },
}

/** Their names, for people. */
export const functionNames = (): string =>
  ['has', ...Object.keys(FUNCTIONS)].map((name) => `${name}()`).join(', ')
