import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import type { OwnedStateStore } from '../../ports/state-store.ts'
import type { Attribute } from '../../transaction/attributes.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { type OpenPipeline, openInferencePipeline } from '../open-pipeline.ts'
import { createLookupComparison } from './compare-lookups.ts'
import { loadServedTable } from './load-served-table.ts'
import { tablesOf } from './merge-tables.ts'
import { ServedTables, type TableServing } from './served-tables.ts'

let folder: string
let remove: () => void
let warnings: string[]
let outcomes: string[]
let tables: ServedTables | undefined

beforeEach(() => {
  ;({ folder, remove } = testFolder())
  warnings = []
  outcomes = []
})
afterEach(async () => {
  await tables?.close()
  tables = undefined
  remove()
})

describe('tables in service', () => {
  it('are read again when their files have changed, and only then', async () => {
    write('ada,low\n')
    tables = await open()
    expect(bandOf('ada')).toBe('low')
    expect(await tables.refresh('customer')).toBe('unchanged')
    write('ada,high\nbob,low\n')
    expect(bandOf('ada')).toBe('low')
    expect(await tables.refresh('customer')).toBe('replaced')
    expect([bandOf('ada'), bandOf('bob'), bandOf('eve')]).toEqual(['high', 'low', undefined])
    expect(tables.status()).toMatchObject([
      { name: 'customer', attributes: ['band'], rows: 2, unusableRows: 0, failure: '' },
    ])
    expect(outcomes).toEqual(['found', 'found', 'found', 'found', 'missing'])
    expect(warnings).toEqual([])
  })

  it.each([
    ['two rows that clash', 'ada,high\nada,low\n', 'hold from the same time'],
    ['another header', undefined, 'no column band'],
    ['few of its rows', '', 'it may be half written'],
  ])('stay as they were when a new version has %s, and go on with the next', async (_, text, reason) => {
    write('ada,low\nbob,low\ncy,low\n')
    tables = await open()
    if (text === undefined) writeFileSync(join(folder, 'customers.csv'), 'customer_id,belt\nada,high\n')
    else write(text === '' ? 'ada,high\n' : text)
    expect(await tables.refresh('customer')).toBe('failed')
    expect(bandOf('ada')).toBe('low')
    expect(tables.status()[0]!.failure).toContain(reason)
    expect(warnings).toEqual([expect.stringContaining(reason)])
    // It is read and told once, unless somebody asks.
    expect(await tables.refresh('customer')).toBe('failed')
    expect(await tables.refresh('customer', true)).toBe('failed')
    expect(warnings).toHaveLength(1)
    write('ada,top\nbob,low\n')
    expect(await tables.refresh('customer')).toBe('replaced')
    expect([bandOf('ada'), tables.status()[0]!.failure]).toEqual(['top', ''])
  })

  it('stay when their files are gone, and may lose rows where that is allowed', async () => {
    write('ada,low\nbob,low\ncy,low\n')
    tables = await open({ smallest_share: 0 })
    rmSync(join(folder, 'customers.csv'))
    expect(await tables.refresh('customer')).toBe('failed')
    expect([bandOf('ada'), tables.status()[0]!.failure]).toEqual([
      'low',
      expect.stringContaining('There is no file'),
    ])
    write('ada,top\n')
    expect(await tables.refresh('customer')).toBe('replaced')
    expect(bandOf('ada')).toBe('top')
    await expect(tables.refresh('customers')).rejects.toThrow(
      'look transactions up in no table customers, but in customer',
    )
  })

  it('are looked at as often as is asked: never, and not at once where a timer cannot count so far', async () => {
    write('ada,low\n')
    vi.useFakeTimers()
    try {
      for (const [refresh, timers] of [
        ['0s', 0],
        ['30d', 1],
      ] as const) {
        tables = await open({ refresh })
        expect(vi.getTimerCount()).toBe(timers)
        await tables.close()
        expect(vi.getTimerCount()).toBe(0)
      }
    } finally {
      vi.useRealTimers()
    }
  })

  it('that settings name and no model reads are told', async () => {
    write('ada,low\n')
    tables = await open({}, [modelWith('first')], 'custmer')
    expect(warnings).toEqual([
      'SERVING_TABLE_UNREAD tables.custmer is of no table that a model in service reads; they read customer',
    ])
  })

  it('lie where serving says, and a server without them does not start', async () => {
    await expect(open()).rejects.toThrow(/The table customer, .* cannot be read: There is no file at/)
    writeFileSync(join(folder, 'elsewhere.csv'), 'customer_id,band\nada,far\n')
    tables = await open({ path: 'elsewhere.csv' })
    expect(bandOf('ada')).toBe('far')
  })

  it('of several models are one, with what any of them reads; where they differ it is refused', async () => {
    writeFileSync(join(folder, 'customers.csv'), 'customer_id,band,age\nada,low,30\n')
    const other = {
      ...modelWith('other', { columns: ['customer_id', 'age'], attributes: { age: '"age"' } }),
      fitted: { ...testModel().fitted, attributes: ATTRIBUTES.slice(1) },
    }
    const first = {
      ...modelWith('first'),
      fitted: { ...testModel().fitted, attributes: ATTRIBUTES.slice(0, 1) },
    }
    tables = await open({}, [first, other])
    expect(tables.complete(paymentOf('ada')).attributes).toEqual({ band: 'low', age: 30 })
    const strange = modelWith('strange', { key: [{ from: '"band"', of: 'user_id', kind: 'text' }] })
    expect(() => tablesOf([modelWith('first'), strange])).toThrow(
      /Model strange 1 reads key of the table customer as .*band.*, model first 1 as .*customer_id/,
    )
    // Another table, or the source: what one model did not learn from, it may not be given for the other.
    const elsewhere = modelWith('elsewhere', { name: 'client' })
    expect(() => tablesOf([modelWith('first'), elsewhere])).toThrow(
      'Model elsewhere 1 has the attribute band from the table client, model first 1 from the table customer',
    )
    const sent = { ...modelWith('sent'), artifact: { manifest: {} } as never }
    expect(() => tablesOf([modelWith('first'), sent])).toThrow(
      'Model sent 1 has the attribute band from the source, model first 1 from the table customer',
    )
  })
})

describe('a pipeline with tables', () => {
  it('answers a transaction that comes again as before, though the table says otherwise by then', async () => {
    write('ada,low\n')
    const store = createMemoryStateStore()
    let pipeline = await serve(store)
    const first = await pipeline.predict(paymentOf('ada'), 0)
    write('ada,high\n')
    expect(await pipeline.refreshTable('customer')).toBe('replaced')
    expect(await pipeline.predict(paymentOf('ada'), 0)).toEqual({ ...first, isRepeated: true })
    // Another one that sends the band is another transaction.
    await expect(
      pipeline.predict({ ...paymentOf('ada'), attributes: { band: 'low' } }, 0),
    ).rejects.toMatchObject({ code: 'SERVING_TRANSACTION_DIFFERS' })
    const logged = await pipeline.find('t')
    expect(logged?.transaction).toEqual({
      ...paymentOf('ada'),
      attributes: { band: 'low' },
      lookedUp: ['band'],
    })
    await pipeline.close()
    // A store that has nothing learns the receipt from the log.
    pipeline = await serve(createMemoryStateStore())
    expect(await pipeline.predict(paymentOf('ada'), 0)).toEqual({ ...first, isRepeated: true })
    await pipeline.saveLogs()
    expect((await pipeline.find('t'))?.transaction.lookedUp).toEqual(['band'])
    await pipeline.close()
  })
})

describe('what was looked up, beside the tables of now', () => {
  it('is told for each attribute: values that changed, came late, or are gone', async () => {
    write('ada,low\nbob,low\ncy,low\n')
    tables = await open()
    const decided = ['ada', 'bob', 'cy', 'eve'].map((user) => tables!.complete(paymentOf(user)))
    decided.push({ ...paymentOf('ada'), attributes: { band: 'own' } })
    write('ada,low\nbob,high\neve,low\n')
    const comparison = await comparisonNow()
    for (const [n, transaction] of decided.entries())
      comparison!.compare({ ...transaction, transactionId: `t${n}` })
    expect(comparison!.report()).toEqual({
      rows: 5,
      differing: [
        {
          table: 'customer',
          attribute: 'band',
          rows: 3,
          example: { transactionId: 't1', served: 'low', now: 'high' },
        },
      ],
    })
  })

  it('is not compared where a table is gone, which is told', async () => {
    const comparison = await comparisonNow()
    expect(comparison!.report()).toMatchObject({
      rows: 0,
      failure: expect.stringContaining('There is no file'),
    })
    const without = { fitted: { features: {} } }
    expect(await createLookupComparison(without, tablesOfLog())).toBeUndefined()
  })

  const comparisonNow = () => {
    const { artifact, fitted } = modelWith('first')
    const logged = { tables: artifact.manifest.source!.tables!, fitted: { features: fitted } }
    return createLookupComparison(logged, tablesOfLog())
  }

  const tablesOfLog = () => ({
    settings: {},
    files: {
      workingDirectory: folder,
      database: { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') },
      signal: new AbortController().signal,
    },
    load: loadServedTable,
  })
})

const write = (rows: string): void =>
  writeFileSync(join(folder, 'customers.csv'), `customer_id,band\n${rows}`)

const ATTRIBUTES: readonly Attribute[] = [
  { name: 'band', kind: 'category' },
  { name: 'age', kind: 'number' },
]

const modelWith = (
  name: string,
  changes: { readonly columns?: readonly string[] } & Partial<Omit<TableMapping, 'columns'>> = {},
): LoadedModel => {
  const { columns = ['customer_id', 'band'], ...others } = changes
  const table: TableMapping = {
    name: 'customer',
    path: 'customers.csv',
    format: 'csv',
    csv: { delimiter: ',', quote: '"', encoding: 'utf-8' },
    timeZone: '',
    key: [{ from: '"customer_id"', of: 'user_id', kind: 'text' }],
    attributes: { band: '"band"' },
    columns: columns.map((column) => ({ name: column, type: 'VARCHAR' })),
    ...others,
  }
  const model = testModel(name)
  return {
    ...model,
    fitted: { ...model.fitted, attributes: ATTRIBUTES },
    artifact: {
      ...model.artifact,
      manifest: { ...model.artifact.manifest, source: { tables: [table] } as never },
    },
  }
}

const tablesWith = (settings: TableServing, name = 'customer'): ServedTables =>
  new ServedTables({
    settings: { [name]: settings },
    workingDirectory: folder,
    database: { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') },
    observer: {
      warned: (code, { reason }) => void warnings.push(`${code} ${reason}`),
      lookedUp: (_, outcome) => void outcomes.push(outcome),
    },
    world: { now: () => 1e12 },
  })

const open = async (
  settings: TableServing = {},
  models: readonly LoadedModel[] = [modelWith('first')],
  name?: string,
): Promise<ServedTables> => {
  const opened = tablesWith(settings, name)
  opened.use(await opened.prepare(models))
  return opened
}

const paymentOf = (userId: string): Transaction => ({
  transactionId: 't',
  userId,
  eventTimeMs: 1e12,
  amountMinor: 100,
})

const bandOf = (userId: string): unknown => tables!.complete(paymentOf(userId)).attributes?.['band']

const serve = async (store: OwnedStateStore): Promise<OpenPipeline> =>
  openInferencePipeline({
    models: { champion: modelWith('first') },
    tables: tablesWith({}),
    states: { kind: 'owned', name: 'memory', store },
    log: await openTestLog(join(folder, 'log')),
    archive: join(folder, 'log'),
    database: { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') },
    settings: TEST_SETTINGS,
    observer: silentObserver,
    world: TEST_WORLD,
  })
