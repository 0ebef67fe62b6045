import type { AttributeKind, AttributeValue } from '../transaction/attributes.ts'

/** The values of one attribute, by the place of a row. */
export interface ColumnStore {
  /** @param value as the table was converted: null where it is missing, a time in epoch milliseconds */
  set(place: number, value: unknown): void
  get(place: number): AttributeValue | undefined
}

/** Room for `rows` values of that kind: 8 bytes for a number, 4 for a text that others have too. */
export const columnStore = (kind: AttributeKind, rows: number): ColumnStore => {
  switch (kind) {
    case 'category':
    case 'text':
      return textStore(rows)
    case 'boolean':
      return booleanStore(rows)
    default:
      return numberStore(rows)
  }
}

const numberStore = (rows: number): ColumnStore => {
  const values = new Float64Array(rows).fill(Number.NaN)
  return {
    set: (place, value) => {
      if (value !== null) values[place] = value as number
    },
    get: (place) => {
      const value = values[place]!
      return Number.isNaN(value) ? undefined : value
    },
  }
}

const booleanStore = (rows: number): ColumnStore => {
  const values = new Uint8Array(rows)
  return {
    set: (place, value) => {
      if (value !== null) values[place] = value === true ? 2 : 1
    },
    get: (place) => (values[place] === 0 ? undefined : values[place] === 2),
  }
}

/** Each text once, as rows share them. */
const textStore = (rows: number): ColumnStore => {
  const codes = new Uint32Array(rows)
  const texts: string[] = ['']
  const codeOf = new Map<string, number>()
  return {
    set: (place, value) => {
      if (value === null) return
      const text = value as string
      let code = codeOf.get(text)
      if (code === undefined) {
        code = texts.push(text) - 1
        codeOf.set(text, code)
      }
      codes[place] = code
    },
    get: (place) => (codes[place] === 0 ? undefined : texts[codes[place]!]),
  }
}
