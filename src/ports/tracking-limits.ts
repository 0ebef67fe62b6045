import { VigiaError } from '../errors.ts'

/** The longest texts that MLflow takes everywhere, in characters. */
export const TRACKING_LIMITS = { key: 250, param: 6000, tag: 8000, name: 250 } as const

/**
 * Keys of parameters, metrics and tags and paths of artifacts: letters and digits of any script, `_ / - . :` and spaces, without a
 * part that is empty, `.` or `..`, since stores make files of them.
 *
 * @throws TRACKING_NAME_INVALID
 */
export const checkTrackingKey = (what: string, key: string): void => {
  if (key.length > 0 && key.length <= TRACKING_LIMITS.key && CHARACTERS.test(key) && isPlainPath(key)) return
  throw new VigiaError('TRACKING_NAME_INVALID', {
    what,
    got: key,
    allowed: `1 to ${TRACKING_LIMITS.key} letters, digits, spaces and _ - . : /, in parts that are not empty, . or ..`,
  })
}

/** Aliases of model versions. @throws TRACKING_NAME_INVALID */
export const checkAlias = (alias: string): void => {
  if (/^[\w-]{1,250}$/.test(alias) && alias !== 'latest' && !/^v\d+$/i.test(alias)) return
  throw new VigiaError('TRACKING_NAME_INVALID', {
    what: 'Alias',
    got: alias,
    allowed: '1 to 250 letters, digits, _ and -, but not latest and not v followed by digits',
  })
}

/** Names of experiments and registered models. @throws TRACKING_NAME_INVALID */
export const checkTrackingName = (what: string, name: string): void => {
  if (
    name.length > 0 &&
    name.length <= TRACKING_LIMITS.name &&
    !UNFIT_IN_NAMES.test(name) &&
    name.trim() === name
  )
    return
  throw new VigiaError('TRACKING_NAME_INVALID', {
    what,
    got: name,
    allowed: `1 to ${TRACKING_LIMITS.name} characters without / : . % " ' and control characters, not beginning or ending with a space`,
  })
}

/** @throws TRACKING_VALUE_TOO_LONG */
export const checkTrackingValue = (what: 'param' | 'tag', key: string, value: string): void => {
  if (value.length <= TRACKING_LIMITS[what]) return
  throw new VigiaError('TRACKING_VALUE_TOO_LONG', {
    what: what === 'param' ? 'Parameter' : 'Tag',
    key,
    got: value.length,
    allowed: TRACKING_LIMITS[what],
  })
}

/** What MLflow's servers let pass: Python's `\w` is a letter, digit or underscore of any script. */
const CHARACTERS = /^[\p{L}\p{N}_/\-. :]*$/u

const UNFIT_IN_NAMES = /[/:.%"'\p{Cc}]/u

const isPlainPath = (key: string): boolean =>
  key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
