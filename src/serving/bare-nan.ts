import { endOfText } from '../mapping/sent-values.ts'

/**
 * JSON in which the words NaN and NaT, where a value stands, are null: so Python's own `json` writes a number
 * or a time that is missing. Inside of texts they stay. What is no JSON for another reason stays none, `-NaN`
 * and `{NaN: 1}` among it. By hand, since its time must not grow faster than the text, whatever the text is.
 */
export const nullForNaN = (json: string): string => {
  if (!json.includes('Na')) return json
  let read = ''
  let copied = 0
  let at = 0
  while (at < json.length) {
    const unit = json.charCodeAt(at)
    if (unit === QUOTE) at = endOfText(json, at)
    else if (unit !== LETTER_N || !isWord(json, at)) at++
    else {
      read += `${json.slice(copied, at)}null`
      at += 3
      copied = at
    }
  }
  return read + json.slice(copied)
}

const QUOTE = 0x22
const LETTER_N = 0x4e

/** Whether NaN or NaT stands at `at` as a word of its own. */
const isWord = (json: string, at: number): boolean =>
  (json.startsWith('NaN', at) || json.startsWith('NaT', at)) &&
  !/\w/.test(json.charAt(at - 1)) &&
  !/\w/.test(json.charAt(at + 3))
