import { describeOrigin, type Origin } from './origin.ts'
import type { SettingPath, SettingSchema } from './setting-schema.ts'

/** What stands where something is hidden. */
export const HIDDEN = '(hidden)'

/** A setting as it may be printed and recorded: its value without what is secret, and where it came from. */
export const shownSetting = ({
  schema,
  value,
  origin,
  path,
}: {
  readonly schema: SettingSchema
  readonly value: unknown
  readonly origin: Origin
  readonly path: SettingPath
}): { readonly value: unknown; readonly origin: string } => ({
  value: shownValue(schema, value),
  // The argument has the value in it.
  origin:
    origin.kind === 'set' && schema.secret !== undefined ? `--set ${path.join('.')}` : describeOrigin(origin),
})

/** A value without what is secret of it. An empty one is no secret: it says that there is none. */
export const shownValue = ({ secret }: SettingSchema, value: unknown): unknown => {
  if (secret === undefined || value === '') return value
  if (secret === 'whole' || typeof value !== 'string') return HIDDEN
  return value.replace(PASSWORD, `$1${HIDDEN}@`)
}

/** Of an address: what stands between the user and the last `@` before its host. A user may be missing. */
const PASSWORD = /^(\w[\w+.-]*:\/\/[^/:@]*:).*@/
