/**
 * The same functions in whole numbers of 2^-400, by series that anyone can check: the oracle of the
 * elementary functions. A value is a fraction of `ONE`.
 */
const PLACES = 400n
const ONE = 1n << PLACES

/** More places of pi, for angles up to 2^1024. */
const PI_PLACES = 1500n

/** A number as `part` * 2^exponent: what lies far above or below `ONE` has an exponent. */
export interface Exact {
  readonly part: bigint
  readonly exponent: number
}

export const exactExp = (x: number): Exact => expOf(fixed(x))

export const exactLog = (x: number): Exact => plain(logOf(x))

export const exactLog1p = (x: number): Exact => plain(logOfFixed(ONE + fixed(x)))

export const exactPow = (x: number, y: number): Exact => {
  const { mantissa, exponent } = parts(y)
  const product = logOf(x) * mantissa
  return expOf(exponent < 0 ? product >> BigInt(-exponent) : product << BigInt(exponent))
}

export const exactSin = (x: number): Exact => plain(sinOf(withoutTurns(x)))

export const exactCos = (x: number): Exact => plain(sinOf(withoutTurns(x) + HALF_PI))

/** By one step of Newton's method from `near`, which is right to about 50 places: right to 80 then. */
export const exactAsin = (x: number, near: number): Exact => plain(asinOf(x, near))

export const exactAcos = (x: number, near: number): Exact =>
  plain(HALF_PI - asinOf(x, Number(HALF_PI - fixed(near)) / Number(ONE)))

/** How far `got` is from the exact value, in units of the last place of `got`. */
export const errorInUlps = (got: number, { part, exponent }: Exact): number => {
  const { mantissa, exponent: gotExponent } = parts(got)
  const unit = Math.max(-1074, binaryExponentOf(mantissa, gotExponent) - 52)
  // Both in units of 2^(unit - 40).
  const inUnits = (value: bigint, by: number): bigint =>
    by >= 0 ? value << BigInt(by) : value >> BigInt(-by)
  const difference =
    inUnits(mantissa, gotExponent - unit + 40) - inUnits(part, exponent - Number(PLACES) - unit + 40)
  return Math.abs(Number(difference)) / 2 ** 40
}

const plain = (part: bigint): Exact => ({ part, exponent: 0 })

/** x = mantissa * 2^exponent. */
const parts = (x: number): { readonly mantissa: bigint; readonly exponent: number } => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const field = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const mantissa = field === 0 ? fraction : fraction | (1n << 52n)
  return { mantissa: bits >> 63n === 1n ? -mantissa : mantissa, exponent: Math.max(1, field) - 1075 }
}

const binaryExponentOf = (mantissa: bigint, exponent: number): number =>
  (mantissa < 0n ? -mantissa : mantissa).toString(2).length - 1 + exponent

const fixedIn = (x: number, places: bigint): bigint => {
  const { mantissa, exponent } = parts(x)
  const by = BigInt(exponent) + places
  return by >= 0n ? mantissa << by : mantissa >> -by
}

const fixed = (x: number): bigint => fixedIn(x, PLACES)

const times = (a: bigint, b: bigint): bigint => (a * b) >> PLACES

/** 1 + x + x^2 / 2! + ... after x = k ln 2 + r. */
const expOf = (x: bigint): Exact => {
  const k = x / LN2
  const r = x - k * LN2
  let sum = 0n
  for (let term = ONE, n = 1n; term !== 0n && term !== -1n; term = times(term, r) / n++) sum += term
  return { part: sum, exponent: Number(k) }
}

/** 2 (t + t^3 / 3 + t^5 / 5 + ...) with t = (a - 1) / (a + 1). */
const logOfFixed = (a: bigint): bigint => {
  let k = 0n
  let scaled = a
  for (; scaled > (3n * ONE) / 2n; k++) scaled >>= 1n
  for (; scaled < (3n * ONE) / 4n; k--) scaled <<= 1n
  return k * LN2 + seriesOfLog(scaled)
}

const seriesOfLog = (a: bigint): bigint => {
  const t = ((a - ONE) << PLACES) / (a + ONE)
  const squared = times(t, t)
  let sum = 0n
  for (let power = t, n = 1n; power !== 0n && power !== -1n; power = times(power, squared), n += 2n)
    sum += power / n
  return 2n * sum
}

const logOf = (x: number): bigint => {
  const { mantissa, exponent } = parts(x)
  const places = binaryExponentOf(mantissa, 0)
  return logOfFixed(mantissa << (PLACES - BigInt(places))) + BigInt(exponent + places) * LN2
}

/** x - x^3 / 3! + ... */
const sinOf = (x: bigint): bigint => {
  const squared = times(x, x)
  let sum = 0n
  for (
    let term = x, n = 2n;
    term !== 0n && term !== -1n;
    term = -times(term, squared) / (n * (n + 1n)), n += 2n
  ) {
    sum += term
  }
  return sum
}

const withoutTurns = (x: number): bigint => {
  const turn = 2n * PI
  return (((fixedIn(x, PI_PLACES) % turn) + turn) % turn) >> (PI_PLACES - PLACES)
}

const asinOf = (x: number, near: number): bigint => {
  const start = fixed(near)
  const slope = sinOf(start + HALF_PI)
  if (slope === 0n) return start
  return start + ((fixed(x) - sinOf(start)) << PLACES) / slope
}

/** arctan(1 / n) in 2^-1500. */
const arctanOfOneOver = (n: bigint): bigint => {
  let sum = 0n
  let sign = 1n
  for (let power = (1n << PI_PLACES) / n, k = 1n; power !== 0n; power /= n * n, k += 2n, sign = -sign) {
    sum += (sign * power) / k
  }
  return sum
}

/** Machin, 1706. */
const PI = 4n * (4n * arctanOfOneOver(5n) - arctanOfOneOver(239n))
const HALF_PI = PI >> (PI_PLACES - PLACES + 1n)
/** ln 2 = 2 arctanh(1/3). */
const LN2 = (() => {
  const third = ONE / 3n
  let sum = 0n
  for (let power = third, n = 1n; power !== 0n; power /= 9n, n += 2n) sum += power / n
  return 2n * sum
})()
