import { parseLooseJson } from './loose-json.ts'
import { type Parts, recordAt, refuse } from './parts.ts'
import { decodeUbjson } from './ubjson.ts'

/** What a model file holds: an object of JSON or UBJSON, LightGBM's text, or ONNX. */
export type ModelFile =
  | { readonly form: 'object'; readonly value: unknown }
  | { readonly form: 'LightGBM'; readonly text: string }
  | { readonly form: 'ONNX'; readonly bytes: Uint8Array }

/**
 * Tells the form of a model file by its bytes, whatever its name: XGBoost 2.1 and newer write UBJSON whatever
 * a name ends in.
 *
 * @throws LEARNING_IMPORT_REFUSED, which says what the file is instead, where that can be seen
 */
export const parseModelFile = (source: string | Uint8Array): ModelFile => {
  const start = typeof source === 'string' ? source.slice(0, 1000) : lettersOf(source.subarray(0, 1000))
  // What JSON passes over may stand before and within its beginning.
  const letters = start.replace(/[\s\uFEFF]|\u00ef\u00bb\u00bf/g, '')
  const text = (): string => (typeof source === 'string' ? source : decodeText(source))
  if (/^\{(["}]|$)/.test(letters)) return { form: 'object', value: parseLooseJson(text(), 'the model') }
  if (letters.startsWith('{') && typeof source !== 'string')
    return { form: 'object', value: decodeUbjson(source) }
  if (/^tree\r?\n/.test(start)) return { form: 'LightGBM', text: text() }
  // A field of ONNX's file begins it: ir_version, which all have.
  if (typeof source !== 'string' && source[0] === 0x08 && source.length > 2)
    return { form: 'ONNX', bytes: source }
  return refuse('the model', whatItIs(letters))
}

/** A model file that is an object. @throws LEARNING_IMPORT_REFUSED when it is none */
export const parseObject = (source: string | Uint8Array): Parts => {
  const file = parseModelFile(source)
  return file.form === 'object'
    ? recordAt(file.value, 'the model')
    : refuse('the model', `is of ${file.form}`)
}

const lettersOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

const decodeText = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('the model', 'has bytes that are no UTF-8')
  }
}

const whatItIs = (start: string): string => {
  if (start.startsWith('['))
    return 'is what dump_model writes, for people: it lacks what scores begin with. Save the model: booster.save_model("model.json")'
  if (start.startsWith('binf'))
    return 'is of XGBoost\'s old binary format. Open it with the version that wrote it and save it as JSON: booster.save_model("model.json")'
  if (start.startsWith('CBM'))
    return 'is of CatBoost\'s binary format. Save it as JSON: model.save_model("model.json", format="json", pool=pool)'
  if (start.startsWith('\u0080'))
    return 'is a Python pickle, which runs code when it is opened. Open it where it is trusted and save the model as JSON or text: booster.save_model("model.json")'
  return 'is neither JSON, UBJSON, ONNX nor the text of LightGBM'
}
