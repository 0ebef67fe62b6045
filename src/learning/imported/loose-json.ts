import { mostContainers, refuse } from './parts.ts'

/**
 * JSON, to which C++ and Python add NaN and infinite numbers as words of their own. `NaN` becomes the text
 * "NaN" (`numbersAt` reads it), an infinity a number. Texts that hold these words stay as they are.
 *
 * @throws LEARNING_IMPORT_REFUSED when it is no JSON beyond that, or would take many times its own memory
 */
export const parseLooseJson = (text: string, where: string): unknown => {
  requireFewContainers(text, where)
  try {
    return JSON.parse(text)
  } catch (error) {
    const plain = withoutWords(text)
    try {
      if (plain !== undefined) return JSON.parse(plain)
    } catch (second) {
      return refuse(where, `is no valid JSON: ${(second as Error).message}`)
    }
    return refuse(where, `is no valid JSON: ${(error as Error).message}`)
  }
}

const requireFewContainers = (text: string, where: string): void => {
  const most = mostContainers(text.length)
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfText(text, at)
      if (end < 0) return
      at = end
    } else if ((code === LIST || code === OBJECT) && ++count > most)
      refuse(where, `has more lists and objects than a model of ${text.length} characters`)
  }
}

const QUOTE = '"'.charCodeAt(0)
const LIST = '['.charCodeAt(0)
const OBJECT = '{'.charCodeAt(0)

/**
 * `text` with the words outside of its texts replaced; undefined where there is none, or a text has no end.
 */
const withoutWords = (text: string): string | undefined => {
  const parts: string[] = []
  let isChanged = false
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at)
    const end = quote < 0 ? text.length : quote
    const outside = text.slice(at, end)
    const plain = outside.replace(
      /(?<![\w.+-])(-?)(Infinity|NaN)(?![\w.+-])/g,
      (_, sign: string, word: string) => (word === 'NaN' ? '"NaN"' : `${sign}1e999`),
    )
    isChanged ||= plain !== outside
    parts.push(plain)
    if (quote < 0) break
    const last = endOfText(text, quote)
    if (last < 0) return undefined
    parts.push(text.slice(quote, last + 1))
    at = last + 1
  }
  return isChanged ? parts.join('') : undefined
}

/** Place of the quote that ends the text which begins with the one at `quote`; -1 where none does. */
const endOfText = (text: string, quote: number): number => {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end
  }
  return -1
}
