import type { EffectiveSetting } from '../../../config/config-manager.ts'
import type { Texts } from '../../../ports/experiment-tracker.ts'

/**
 * Every setting by its dotted path, its effective value as JSON text: `"temporal"`, `42`, `null`. So an empty
 * text, a list and the text "42" stay what they are.
 *
 * A password in an address (`https://user:password@host`) is not recorded.
 */
export const settingParams = (entries: readonly Pick<EffectiveSetting, 'path' | 'value'>[]): Texts =>
  Object.fromEntries(
    entries.map(({ path, value }) => [
      path.join('.'),
      JSON.stringify(value).replace(/(:\/\/)[^/@\s"]+@/g, '$1***@'),
    ]),
  )
