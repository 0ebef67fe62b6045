import { listAt, type Parts, refuse } from '../imported/parts.ts'

/** Version of XGBoost: 3.4.1 is [3, 4, 1]. */
export type XgboostVersion = readonly [major: number, minor: number, patch: number]

/** The oldest that is read. */
const OLDEST: XgboostVersion = [1, 6, 0]
/** The newest that was tried. */
export const NEWEST_TESTED: XgboostVersion = [3, 4, 1]

/** Which version wrote the file. @throws LEARNING_IMPORT_REFUSED when none is told or it is too old */
export const readVersion = (file: Parts): XgboostVersion => {
  const told = listAt(file['version'], 'version')
  if (told.length !== 3 || !told.every((part) => Number.isInteger(part) && (part as number) >= 0))
    refuse('version', `is ${JSON.stringify(told).slice(0, 40)}; allowed: three whole numbers`)
  const version = told as unknown as XgboostVersion
  if (isBefore(version, OLDEST))
    refuse(
      'version',
      `is ${version.join('.')}; allowed: 1.6 or newer. Open the model with a newer XGBoost and save it again`,
    )
  return version
}

/** Whether `version` is older than `other`. */
export const isBefore = (version: XgboostVersion, other: readonly number[]): boolean => {
  const at = other.findIndex((part, index) => version[index] !== part)
  return at >= 0 && version[at]! < other[at]!
}
