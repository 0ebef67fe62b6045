import { VigiaError } from '../errors.ts'

/**
 * The one JSON text of a value: equal values have equal text, so the text can be hashed and compared.
 *
 * Keys stand in code unit order, there is no white space, numbers are written as JavaScript writes them (the
 * shortest text that reads back the same; `-0` is `0`, as in RFC 8785). A property that is `undefined` is an
 * error rather than left out: what silently disappears from a hash makes two different things look the same.
 *
 * @throws CANONICAL_JSON_UNSUPPORTED, naming the path, for anything but null, booleans, finite numbers, text,
 * arrays and plain objects, and for values that contain themselves
 */
export const canonicalJson = (value: unknown): string => write(value, '$', [])

const write = (value: unknown, path: string, ancestors: readonly object[]): string => {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value !== 'object') return refuse(value, path)
  if (ancestors.includes(value)) return refuse('an object that contains itself', path)
  // Models are long lists of numbers: one at a time they take fifty times as long.
  if (isFiniteNumbers(value)) return `[${value.join(',')}]`
  const inside = [...ancestors, value]
  if (Array.isArray(value)) {
    // Array.from: a hole in the array must be seen as undefined, which `map` would skip.
    return `[${Array.from(value, (item: unknown, index) => write(item, `${path}[${index}]`, inside)).join(',')}]`
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return refuse(value, path)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`, inside)}`).join(',')}}`
}

/**
 * Whether it is an array of finite numbers without holes, whose text is then that of `join`: `String` writes
 * them as JSON does.
 */
const isFiniteNumbers = (value: object): value is number[] => {
  if (!Array.isArray(value)) return false
  for (let index = 0; index < value.length; index++) {
    // `Number.isFinite` is false of what is no number.
    if (!Number.isFinite(value[index])) return false
  }
  return true
}

const refuse = (value: unknown, path: string): never => {
  throw new VigiaError('CANONICAL_JSON_UNSUPPORTED', { path, got: describe(value) })
}

const describe = (value: unknown): string => {
  if (typeof value === 'function') return `the function ${value.name || '(unnamed)'}`
  if (typeof value === 'object' && value !== null)
    return `an object of ${value.constructor?.name ?? 'no class'}`
  return String(value)
}
