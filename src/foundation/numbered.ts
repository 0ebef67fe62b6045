/** A small whole number for each name, from 0 in order of appearance: equal names, equal numbers. */
export const numbered = (names: readonly string[]): Uint32Array => {
  const numbers = new Map<string, number>()
  return Uint32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
}
