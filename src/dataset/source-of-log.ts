import type { SourceSettings } from '../config/sections/source.ts'
import { VigiaError } from '../errors.ts'
import { SOURCE_FIELDS } from '../transaction/fields.ts'

/**
 * `source` for files that were made of a service's log: all in them is named as in requests, and complete.
 *
 * @param names fields and attributes that the log has
 * @throws DATASET_SETTING_INVALID where the source has tables: the model would look nothing up
 */
export const sourceOfLog = (
  source: SourceSettings,
  { transactions, labels }: { readonly transactions: string; readonly labels: string | undefined },
  names: readonly string[],
): SourceSettings => {
  if (Object.keys(source.tables).length > 0)
    throw new VigiaError('DATASET_SETTING_INVALID', {
      setting: 'source.path',
      got: String(source.path),
      allowed:
        'files, where source.tables is set: the log has what tables gave, and a model trained on it would look nothing up',
    })
  const absent = SOURCE_FIELDS.filter(({ wire }) => !names.includes(wire))
  return {
    ...source,
    path: transactions,
    format: 'json',
    fields: Object.fromEntries(absent.map(({ wire }) => [wire, ''])),
    attributes: Object.fromEntries(
      Object.entries(source.attributes).map(([name, { from: _, ...attribute }]) => [name, attribute]),
    ),
    order: 'arrival',
    future: 'keep',
    labels: labels === undefined ? { path: '' } : { path: labels, format: 'json' },
  }
}
