import { parseLooseJson } from '../imported/loose-json.ts'
import { refuse } from '../imported/parts.ts'
import { decodeUbjson } from '../imported/ubjson.ts'

/**
 * What a file of XGBoost's `save_model` holds: JSON or UBJSON, told apart by its bytes, since 2.1 and newer
 * write UBJSON whatever a name ends in.
 *
 * @throws LEARNING_IMPORT_REFUSED, which says what the file is instead, where that can be seen
 */
export const parseModelFile = (source: string | Uint8Array): unknown => {
  if (typeof source === 'string') return parseText(source)
  const first = letters(source, 0)
  if (first[0] !== '{') return parseText(first.startsWith('[') ? new TextDecoder().decode(source) : first)
  return /^\{(["}]|$)/.test(first) ? parseText(new TextDecoder().decode(source)) : decodeUbjson(source)
}

/** Letters of the file's beginning, without what JSON passes over. */
const letters = (bytes: Uint8Array, from: number): string =>
  String.fromCharCode(...bytes.subarray(from, from + 1000)).replace(/[\s\uFEFF]|\u00ef\u00bb\u00bf/g, '')

const parseText = (text: string): unknown => {
  const start = text.slice(0, 1000).trimStart()
  if (/^\{\s*["}]/.test(start) || start === '{') return parseLooseJson(text, 'the model')
  return refuse('the model', whatItIs(start))
}

const whatItIs = (start: string): string => {
  if (start.startsWith('['))
    return 'is what dump_model writes, for people: it lacks what scores begin with. Save the model: booster.save_model("model.json")'
  if (start.startsWith('binf'))
    return 'is of XGBoost\'s old binary format. Open it with the version that wrote it and save it as JSON: booster.save_model("model.json")'
  if (start.startsWith('\u0080'))
    return 'is a Python pickle, which runs code when it is opened. Open it where it is trusted and save the model as JSON: model.save_model("model.json")'
  return 'is neither JSON nor UBJSON. Save it with booster.save_model("model.json")'
}
