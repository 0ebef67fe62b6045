import type { FittedFeatures } from '../../features/fitted-features.ts'
import { completeTransaction } from '../../lookup/complete-transaction.ts'
import type { ReferenceTable } from '../../lookup/reference-table.ts'
import type { AttributeValue } from '../../transaction/attributes.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { ModelDocument } from '../log/model-document.ts'
import type { LoadServedTable, ServedTableFiles } from './load-served-table.ts'
import type { TableOfModels } from './merge-tables.ts'
import type { TableServing } from './served-tables.ts'

/** An attribute for which tables say something else now than they said when it was decided. */
export interface LookupDifference {
  readonly table: string
  readonly attribute: string
  /** Decisions for which it is so. */
  readonly rows: number
  /** The first of them; null where there was no value, or is none. */
  readonly example: {
    readonly transactionId: string
    readonly served: AttributeValue | null
    readonly now: AttributeValue | null
  }
}

/** What serving looked up, beside what the tables have now for the same times: what training would see. */
export interface LookupParity {
  /** Decisions that were compared. */
  readonly rows: number
  readonly differing: readonly LookupDifference[]
  /** Why nothing could be compared, for people. */
  readonly failure?: string
}

export interface LookupComparison {
  compare(transaction: Transaction): void
  report(): LookupParity
}

/** Where the tables of logged models lie, and how they are read. */
export interface TablesOfLog {
  /** By the name of the table, as the server's settings say. */
  readonly settings: Readonly<Record<string, TableServing>>
  readonly files: Omit<ServedTableFiles, 'path'>
  readonly load: LoadServedTable
}

/**
 * Compares decisions of a model with its tables as they are now; undefined when it looks nothing up. Tables
 * that cannot be read are told in the report: features can be compared without them.
 */
export const createLookupComparison = async (
  model: Pick<ModelDocument, 'tables' | 'fitted'>,
  tablesOfLog: TablesOfLog,
): Promise<LookupComparison | undefined> => {
  const all = tablesIn(model)
  if (all.length === 0) return undefined
  try {
    return comparisonWith(await loadAll(all, tablesOfLog))
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { compare: () => undefined, report: () => ({ rows: 0, differing: [], failure }) }
  }
}

const tablesIn = (model: Pick<ModelDocument, 'tables' | 'fitted'>): readonly TableOfModels[] => {
  const { attributes = [] } = (model.fitted as { readonly features: FittedFeatures }).features
  return (model.tables ?? []).map((mapping) => ({
    mapping,
    attributes: attributes.filter(({ name }) => mapping.attributes[name] !== undefined),
  }))
}

const loadAll = async (
  all: readonly TableOfModels[],
  { settings, files, load }: TablesOfLog,
): Promise<readonly ReferenceTable[]> => {
  const tables: ReferenceTable[] = []
  for (const of of all) {
    const path = settings[of.mapping.name]?.path ?? of.mapping.path
    tables.push((await load(of, { ...files, path })).table)
  }
  return tables
}

const comparisonWith = (tables: readonly ReferenceTable[]): LookupComparison => {
  const given = tables.flatMap(({ name, columns }) =>
    [...columns.keys()].map((attribute) => [name, attribute] as const),
  )
  const found = new Map<string, { -readonly [K in keyof LookupDifference]: LookupDifference[K] }>()
  let rows = 0
  return {
    compare: (transaction) => {
      rows++
      const { lookedUp = [], ...sent } = transaction
      const own = Object.entries(transaction.attributes ?? {}).filter(([name]) => !lookedUp.includes(name))
      const now = completeTransaction(
        { ...sent, attributes: Object.fromEntries(own) },
        tables,
        () => undefined,
      )
      for (const [table, attribute] of given) {
        const served = transaction.attributes?.[attribute] ?? null
        const other = now.attributes?.[attribute] ?? null
        if (served === other) continue
        const known = found.get(attribute)
        if (known !== undefined) known.rows++
        else {
          const example = { transactionId: transaction.transactionId, served, now: other }
          found.set(attribute, { table, attribute, rows: 1, example })
        }
      }
    },
    report: () => ({ rows, differing: [...found.values()] }),
  }
}
