import { log } from './elementary/logarithm.ts'

/**
 * The value that a standard normal variable stays below with `probability`, within a relative 1e-15.
 * -Infinity at 0, Infinity at 1, NaN outside of [0, 1].
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
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  denominator: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
}

const NEAR_TAIL: Ratio = {
  numerator: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  denominator: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
}

const FAR_TAIL: Ratio = {
  numerator: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
  ],
  denominator: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    0.000018463183175100548, 1.421511758316446e-7, 2.0442631033899397e-15,
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
