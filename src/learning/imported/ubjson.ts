import { mostContainers, refuse } from './parts.ts'

/** Containers within containers at most: models have a handful. */
const MAX_DEPTH = 100

/** Bytes of a number by its type: UBJSON's letters. */
const SIZES: Readonly<Record<string, number>> = { i: 1, U: 1, I: 2, l: 4, L: 8, d: 4, D: 8 }

/**
 * Universal Binary JSON (https://ubjson.org, draft 12), as XGBoost writes it. Whole numbers beyond 2^53 lose
 * their last digits; numbers as decimal texts (H) are refused.
 *
 * Safe on files that lie: nothing is made that the bytes at hand do not hold, so memory is at most a multiple
 * of the file's.
 *
 * @throws LEARNING_IMPORT_REFUSED with the byte at which it is no UBJSON
 */
export const decodeUbjson = (bytes: Uint8Array): unknown => {
  const reader = new Reader(bytes)
  const value = reader.value(reader.marker(), 0)
  return reader.isAtEnd() ? value : reader.fail('has bytes after its end')
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #containers = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  fail(reason: string): never {
    return refuse('the model', `is no valid UBJSON: at byte ${this.#at} it ${reason}`)
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next letter that is no filler. */
  marker(): string {
    for (;;) {
      this.#require(1)
      const letter = String.fromCharCode(this.#bytes[this.#at++]!)
      if (letter !== 'N') return letter
    }
  }

  value(marker: string, depth: number): unknown {
    switch (marker) {
      case '{':
        return this.#object(depth + 1)
      case '[':
        return this.#list(depth + 1)
      case 'S':
        return this.#text()
      case 'C':
        this.#require(1)
        return String.fromCharCode(this.#bytes[this.#at++]!)
      case 'T':
        return true
      case 'F':
        return false
      case 'Z':
        return null
      default:
        return this.#number(marker)
    }
  }

  #number(type: string): number {
    const size = SIZES[type]
    if (size === undefined) return this.fail(`has ${JSON.stringify(type)} where a value begins`)
    this.#require(size)
    const at = this.#at
    this.#at += size
    switch (type) {
      case 'i':
        return this.#view.getInt8(at)
      case 'U':
        return this.#view.getUint8(at)
      case 'I':
        return this.#view.getInt16(at)
      case 'l':
        return this.#view.getInt32(at)
      case 'L':
        return Number(this.#view.getBigInt64(at))
      case 'd':
        return this.#view.getFloat32(at)
      default:
        return this.#view.getFloat64(at)
    }
  }

  #text(): string {
    const length = this.#count()
    this.#require(length)
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    try {
      const text = UTF_8.decode(bytes)
      this.#at += length
      return text
    } catch {
      return this.fail('has a text that is no UTF-8')
    }
  }

  #list(depth: number): unknown[] {
    const { type, count } = this.#head(depth)
    if (count === undefined) {
      const list: unknown[] = []
      for (let marker = this.marker(); marker !== ']'; marker = this.marker())
        list.push(this.value(marker, depth))
      return list
    }
    const list = new Array<unknown>(count)
    for (let index = 0; index < count; index++) list[index] = this.value(type ?? this.marker(), depth)
    return list
  }

  #object(depth: number): Record<string, unknown> {
    const { type, count } = this.#head(depth)
    // Without a prototype, so that no name means anything but itself.
    const object: Record<string, unknown> = Object.create(null)
    for (let index = 0; index !== count; index++) {
      if (count === undefined && this.marker() === '}') break
      if (count === undefined) this.#at--
      const name = this.#text()
      if (name in object) this.fail(`has the name ${JSON.stringify(name)} twice`)
      object[name] = this.value(type ?? this.marker(), depth)
    }
    return object
  }

  /** The optional type and count with which a container begins. A type has a count. */
  #head(depth: number): { readonly type?: string; readonly count?: number } {
    if (depth > MAX_DEPTH) this.fail(`is nested deeper than ${MAX_DEPTH}`)
    if (++this.#containers > mostContainers(this.#bytes.length))
      this.fail('has more lists and objects than a model of its size')
    const type = this.#take('$') ? this.marker() : undefined
    // Elements without bytes of their own could be any number.
    if (type !== undefined && !(type in SIZES || '[{SC'.includes(type)))
      this.fail(`has a container of ${JSON.stringify(type)}`)
    if (!this.#take('#')) return type === undefined ? {} : this.fail('has a typed container without a count')
    const count = this.#count()
    if (count * (SIZES[type ?? ''] ?? 1) > this.#bytes.length - this.#at)
      this.fail(`counts ${count} elements, which do not fit into the file`)
    return { ...(type !== undefined && { type }), count }
  }

  #take(letter: string): boolean {
    this.#require(1)
    if (this.#bytes[this.#at] !== letter.charCodeAt(0)) return false
    this.#at++
    return true
  }

  #count(): number {
    const type = this.marker()
    const count = 'iUIlL'.includes(type) ? this.#number(type) : -1
    return count >= 0 ? count : this.fail('has no whole number of at least 0 for a length')
  }

  #require(size: number): void {
    if (size > this.#bytes.length - this.#at) this.fail('ends too early')
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
