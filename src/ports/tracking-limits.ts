import { VigiaError } from '../errors.ts'
import type { RunEntries, Texts } from './experiment-tracker.ts'

/** The longest texts that MLflow takes everywhere, in characters. */
export const TRACKING_LIMITS = { key: 250, param: 6000, tag: 8000, name: 250 } as const

/**
 * Keys of parameters, metrics and tags and paths of artifacts: letters and digits of any script, `_ / - . :`
 * and spaces, without a part that is empty, `.` or `..`, since stores make files of them.
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

/** Names of experiments, which may look like paths. @throws TRACKING_NAME_INVALID */
export const checkExperimentName = (what: string, name: string): void =>
  checkName(what, name, /[\p{Cc}\p{Cs}]/u, 'control characters')

/**
 * Names of registered models, which stand in addresses such as `models:/name@alias`. @throws
 * TRACKING_NAME_INVALID
 */
export const checkModelName = (what: string, name: string): void =>
  checkName(what, name, /[/:.%"'\p{Cc}\p{Cs}]/u, `/ : . % " ' and control characters`)

const checkName = (what: string, name: string, unfit: RegExp, without: string): void => {
  if (name.length > 0 && name.length <= TRACKING_LIMITS.name && !unfit.test(name) && name.trim() === name)
    return
  throw new VigiaError('TRACKING_NAME_INVALID', {
    what,
    got: name,
    allowed: `1 to ${TRACKING_LIMITS.name} characters without ${without}, not beginning or ending with a space`,
  })
}

/**
 * @throws TRACKING_VALUE_TOO_LONG; TRACKING_VALUE_INVALID for half of a surrogate pair, which no UTF-8 can
 * hold
 */
export const checkTrackingValue = (what: 'param' | 'tag', key: string, value: string): void => {
  const subject = what === 'param' ? 'Parameter' : 'Tag'
  const allowed = TRACKING_LIMITS[what]
  if (value.length > allowed)
    throw new VigiaError('TRACKING_VALUE_TOO_LONG', { what: subject, key, got: value.length, allowed })
  if (HALF_CHARACTER.test(value))
    throw new VigiaError('TRACKING_VALUE_INVALID', {
      what: subject,
      key,
      reason: 'it holds half of a character (a lone surrogate)',
    })
}

/**
 * All keys and values of tags. @throws TRACKING_NAME_INVALID, TRACKING_VALUE_TOO_LONG, TRACKING_VALUE_INVALID
 */
export const checkTags = (tags: Texts): void => checkTexts('tag', 'Tag', tags)

/**
 * All that a call is to write, before anything of it is written. @throws TRACKING_NAME_INVALID,
 * TRACKING_VALUE_TOO_LONG, TRACKING_VALUE_INVALID
 */
export const checkEntries = ({ params = {}, metrics = [], tags = {} }: RunEntries): void => {
  checkTexts('param', 'Parameter', params)
  for (const { key, step, timestampMs } of metrics) {
    checkTrackingKey('Metric', key)
    checkWhole('Step of metric', key, step)
    checkWhole('Time of metric', key, timestampMs)
  }
  checkTags(tags)
}

const checkTexts = (kind: 'param' | 'tag', what: string, texts: Texts): void => {
  for (const [key, value] of Object.entries(texts)) {
    checkTrackingKey(what, key)
    checkTrackingValue(kind, key, value)
  }
}

/** Steps and times are whole: MLflow's servers lose others without a word. @throws TRACKING_VALUE_INVALID */
export const checkWhole = (what: string, key: string, value: number): void => {
  if (Number.isSafeInteger(value)) return
  const reason = `${value} is not a whole number`
  throw new VigiaError('TRACKING_VALUE_INVALID', { what, key, reason })
}

/** What MLflow's servers let pass: Python's `\w` is a letter, digit or underscore of any script. */
const CHARACTERS = /^[\p{L}\p{N}_/\-. :]*$/u

/** Half of a surrogate pair. */
const HALF_CHARACTER = /\p{Cs}/u

const isPlainPath = (key: string): boolean =>
  key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
