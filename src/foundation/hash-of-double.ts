const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)

/** 32 bits of a double, as MurmurHash3 ends: equal doubles have equal ones; there is no minus zero here. */
export const hashOfDouble = (value: number): number => {
  double[0] = value
  let h = Math.imul(halves[0]!, 0x9e3779b1) ^ halves[1]!
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
