import { log } from './elementary/logarithm.ts'

/**
 * The value that a standard normal variable stays below with `probability`, within a relative 1e-15. -Infinity
 * at 0, Infinity at 1, NaN outside of [0, 1].
 *
 * Rational approximations of Wichura (Algorithm AS 241, PPND16, Applied Statistics 37, 1988): one in the
 * middle, two in the tails, where the square root of -log(p) is what the quantile is nearly linear in.
 */
export const normalQuantile = (probability: number): number => {
  if (!(probability > 0 && probability < 1)) return atEnds(probability)
  const fromHalf = probability - 0.5
  if (Math.abs(fromHalf) <= 0.425) return fromHalf * ratioAt(0.180625 - fromHalf * fromHalf, MIDDLE)
  const root = Math.sqrt(-log(fromHalf < 0 ? probability : 1 - probability))
  const size = root <= 5 ? ratioAt(root - 1.6, NEAR_TAIL) : ratioAt(root - 5, FAR_TAIL)
  return fromHalf < 0 ? -size : size
}

const atEnds = (probability: number): number => {
  if (probability === 0) return Number.NEGATIVE_INFINITY
  return probability === 1 ? Number.POSITIVE_INFINITY : Number.NaN
}

interface Ratio {
  /** Of the power 0 on. */
  readonly numerator: readonly number[]
  readonly denominator: readonly number[]
}

const MIDDLE: Ratio = {
  numerator: [
    3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
  ],
  denominator: [
    1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
    39307.89580009271061, 28729.085735721942674, 5226.495278852854561,
  ],
}

const NEAR_TAIL: Ratio = {
  numerator: [
    1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
  ],
  denominator: [
    1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
    0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
  ],
}

const FAR_TAIL: Ratio = {
  numerator: [
    6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
    0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  denominator: [
    1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
    1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
  ],
}

const ratioAt = (x: number, { numerator, denominator }: Ratio): number =>
  valueAt(x, numerator) / valueAt(x, denominator)

/** Horner's rule. */
const valueAt = (x: number, coefficients: readonly number[]): number => {
  let value = 0
  for (let power = coefficients.length - 1; power >= 0; power--) value = value * x + coefficients[power]!
  return value
}
