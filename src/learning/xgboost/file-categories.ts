import type { CategoryValue, ForeignCategories } from '../imported/foreign-model.ts'
import { listAt, numbersAt, type Parts, recordAt, refuse } from '../imported/parts.ts'
import type { BoosterParts } from './booster.ts'
import { isBefore, type XgboostVersion } from './version.ts'

/**
 * What the whole numbers of categorical splits stand for. A frame's categories are numbered by their place,
 * whatever their values, so the same number is another value in another frame.
 *
 * Since 3.1 the file has the values (`cats.enc`, one entry a feature, empty where it has none). It has none
 * either of a model that was trained on numbers with feature_types, of which they are the values, or that an
 * older version had saved before: those two cannot be told apart. Up to 3.3 texts beyond ASCII are cut at the
 * wrong bytes (lengths are those in characters), so they are not believed; XGBoost does, and scores wrongly:
 * findings/xgboost-garbles-categories-beyond-ascii.sh.
 *
 * @returns by place of the feature, a function because most features have none
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readFileCategories = (
  { model, where }: BoosterParts,
  version: XgboostVersion,
  features: number,
): ((feature: number) => ForeignCategories) => {
  const library = `XGBoost ${version.join('.')}`
  const untold = (why: string) => () => ({ untold: why })
  if (model['cats'] === undefined)
    return untold(`${library} does not write the values of categories (3.1 and newer do)`)
  const place = `${where}.cats`
  const entries = listAt(recordAt(model['cats'], place)['enc'], `${place}.enc`)
  const none = `the file has no values for them: it was trained on numbers with feature_types, or an XGBoost before 3.1 had saved the model`
  if (entries.length === 0) return untold(none)
  if (entries.length !== features)
    refuse(`${place}.enc`, `has ${entries.length} entries for ${features} features`)
  return (feature) => {
    const at = `${place}.enc[${feature}]`
    const entry = recordAt(entries[feature], at)
    const values = entry['offsets'] === undefined ? readNumbers(entry, at) : readTexts(entry, at, version)
    if (values === undefined)
      return {
        untold: `${library} cuts texts beyond ASCII at the wrong bytes: the file does not hold them, and Python itself scores with the wrong ones (3.4 has mended it)`,
      }
    if (new Set(values).size < values.length) refuse(`${at}.values`, 'has a category twice')
    return values.length === 0 ? { untold: none } : { values }
  }
}

const readNumbers = (entry: Parts, where: string): readonly CategoryValue[] => {
  const values = numbersAt(entry, 'values', where)
  const bad = values.findIndex((value) => !Number.isSafeInteger(value))
  return bad < 0 ? values : refuse(`${where}.values[${bad}]`, 'is no whole number that a double holds')
}

/** Undefined where they are beyond ASCII and the version cuts such. */
const readTexts = (entry: Parts, where: string, version: XgboostVersion): readonly string[] | undefined => {
  const offsets = numbersAt(entry, 'offsets', where)
  const bytes = numbersAt(entry, 'values', where)
  const bad = bytes.findIndex((byte) => !(Number.isInteger(byte) && byte >= -128 && byte <= 255))
  if (bad >= 0) refuse(`${where}.values[${bad}]`, 'is no byte')
  const isRising = offsets.every((offset, at) => Number.isInteger(offset) && offset >= (offsets[at - 1] ?? 0))
  if (!isRising || (offsets[0] ?? 0) !== 0 || (offsets.at(-1) ?? 0) !== bytes.length)
    refuse(`${where}.offsets`, `do not rise from 0 to ${bytes.length}`)
  if (isBefore(version, [3, 4]) && bytes.some((byte) => byte < 0 || byte > 127)) return undefined
  const all = Uint8Array.from(bytes)
  return offsets.slice(1).map((end, at) => {
    try {
      return UTF_8.decode(all.subarray(offsets[at], end))
    } catch {
      return refuse(`${where}.offsets[${at + 1}]`, 'ends a text that is no UTF-8')
    }
  })
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
