import type { AttributeSettings, SourceSettings } from '../../config/sections/source.ts'
import type { TableSettings } from '../../config/sections/tables.ts'
import { VigiaError } from '../../errors.ts'
import { ENTITY_NAME } from '../../transaction/entities.ts'
import { attributeOfPart } from '../source-entities.ts'

/**
 * The source with an attribute of kind text for each value that tables are found by and that is no field and
 * no declared attribute, as for what names entities.
 *
 * @throws DATASET_SETTING_INVALID naming the setting
 */
export const declareTables = (source: SourceSettings): SourceSettings => {
  const names = Object.keys(source.tables)
  for (const name of names)
    if (!new RegExp(ENTITY_NAME).test(name))
      throw invalid(
        `source.tables.${name}`,
        name,
        'lower case letters, digits and _, beginning with a letter, at most 31',
      )
  const stranger = Object.entries(source.attributes).find(
    ([, { table }]) => table !== undefined && !names.includes(table),
  )
  if (stranger !== undefined)
    throw invalid(
      `source.attributes.${stranger[0]}.table`,
      stranger[1].table!,
      names.length === 0 ? 'a table of source.tables, which has none' : names.join(', '),
    )
  const attributes: Record<string, AttributeSettings> = { ...source.attributes }
  const tables: Record<string, TableSettings> = {}
  for (const name of names) {
    const settings = source.tables[name]!
    if (!Object.values(source.attributes).some(({ table }) => table === name))
      throw invalid(
        `source.tables.${name}`,
        'a table that gives no attribute',
        `tables that some attribute of source.attributes names as \`table: ${name}\``,
      )
    const known = (of: string, setting: string, place: number): string =>
      attributes[of] === undefined
        ? attributeOfPart(of, `${name}_key_${place}`, `source.tables.${name}.${setting}`, attributes)
        : of
    const { key = {}, range } = settings
    const parts = Object.entries(key)
    const found = parts.map(([column, of], at) => [column, known(of, `key.${column}`, at + 1)])
    tables[name] = {
      ...settings,
      ...(parts.length > 0 && { key: Object.fromEntries(found) }),
      ...(range !== undefined && { range: { ...range, of: known(range.of, 'range.of', 1 + parts.length) } }),
    }
  }
  return { ...source, attributes, tables }
}

const invalid = (setting: string, got: string, allowed: string): VigiaError =>
  new VigiaError('DATASET_SETTING_INVALID', { setting, got, allowed })
