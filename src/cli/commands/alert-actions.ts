import { VigiaError } from '../../errors.ts'
import type { CommandInput } from '../command.ts'

/** What an action of `vigia alerts` is told. */
interface Action {
  /** What the word behind it is; undefined: it takes none. */
  readonly word?: string
  /** Whether it does without. */
  readonly isOptional?: true
  /** Options, beside those of the configuration, by their names. */
  readonly options: readonly string[]
}

const ACTIONS: Readonly<Record<string, Action>> = {
  test: { options: ['channel', 'by'] },
  list: { options: [] },
  acknowledge: { word: 'the key of an alert', options: ['by'] },
  silence: { word: 'the key of an alert', options: ['until', 'reason', 'by'] },
  unsilence: { word: 'the key of an alert', options: ['by'] },
  plan: { options: ['model', 'kind', 'segment', 'from', 'until', 'reason', 'by'] },
  cancel: { word: 'the id of a planned silence', options: ['by'] },
  forget: { word: 'the key of an alert', isOptional: true, options: ['model', 'by'] },
  deliver: { options: [] },
  history: { word: 'the key of an alert', isOptional: true, options: [] },
}

export const ACTION_NAMES: readonly string[] = Object.keys(ACTIONS)

/** Of every action. */
const COMMON = ['config', 'set']

/** Refuses words and options that the action does not know: they would be passed over. */
export const assertWords = ({ arguments: [name = '', word], options }: CommandInput): void => {
  const action = ACTIONS[name]!
  if (word !== undefined && action.word === undefined)
    throw alertsInvalid(`${name} takes no further word; got "${word}"`)
  const given = Object.keys(options).filter((option) => options[option] !== undefined)
  const [unknown] = given.filter((option) => ![...COMMON, ...action.options].includes(option))
  if (unknown !== undefined) {
    const takers = ACTION_NAMES.filter((each) => ACTIONS[each]!.options.includes(unknown))
    throw alertsInvalid(`--${unknown} belongs to ${takers.join(' and ')}; got it with ${name}`)
  }
  if (word === undefined && action.word !== undefined && action.isOptional !== true)
    throw alertsInvalid(`${name} needs ${action.word}; got none`)
  if (name === 'forget' && (word === undefined) === (options['model'] === undefined))
    throw alertsInvalid(
      `forget needs the key of an alert or --model; got ${word === undefined ? 'none' : 'both'}`,
    )
}

export const alertsInvalid = (reason: string): VigiaError =>
  new VigiaError('CLI_INVALID_ARGUMENT', { command: 'alerts', reason })
