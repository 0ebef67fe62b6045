import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { readLabels } from '../pipelines/parity/served-rows.ts'
import { PREPARED_COLUMNS } from '../transaction/prepared-columns.ts'
import { NO_SHAPE } from '../transaction/shape.ts'
import { tokenOf } from '../transaction/token.ts'
import { ArrivalReader, profileArrivals } from './arrival-reader.ts'
import { isLabelDue, type Unlabelled } from './label-schedule.ts'
import { allocateBatch, LABEL, LABEL_WIDTH, labelInWord, mapBatch } from './shared-batch.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-labels-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A transaction, and what is known of its label. Times are small numbers, so that ties are many. */
interface Arrived {
  readonly eventTimeMs: number
  readonly isFraud: boolean | null
  readonly labelledAtMs: number | null
}

/** A label, by its transaction, the transaction before which it is delivered, and what it says. */
type Delivery = readonly [label: number, before: number, isFraud: number]

test('by rule, by replay, and by whoever plays the history to serving: the same labels come at the same places', async () => {
  await withDatabase(database, async (connection, connect) => {
    const labels = await connect()
    let round = 0
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 0, max: 6 }), async (history, delayMs) => {
        const prepared = join(folder, `${round++}.parquet`)
        await write(connection, prepared, history)
        const ruled = byRule(history, delayMs)
        expect(await byReplay(connection, labels, prepared, delayMs)).toEqual(ruled)
        for (const from of [0, Math.floor(history.length / 2), history.length])
          expect(await byPlaying(connection, prepared, history, delayMs, from)).toEqual(
            ruled.filter(([label]) => label >= from),
          )
      }),
      { numRuns: 60 },
    )
    labels.closeSync()
  })
}, 180_000)

test('where nobody tells of a transaction it is genuine after the delay: by rule and by replay', async () => {
  await withDatabase(database, async (connection, connect) => {
    const labels = await connect()
    let round = 0
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 0, max: 6 }), async (history, delayMs) => {
        const prepared = join(folder, `genuine-${round++}.parquet`)
        await write(connection, prepared, history)
        const delivered = await byReplay(connection, labels, prepared, delayMs, 'genuine_after_delay')
        // Which of two equally due labels of other transactions is first changes nothing.
        expect(statesAfter(delivered)).toEqual(statesAfter(byGenuineRule(history, delayMs)))
      }),
      { numRuns: 60 },
    )
    labels.closeSync()
  })
}, 180_000)

test('all that was said of a transaction is delivered as it came to be known: by rule, by replay, by playing', async () => {
  await withDatabase(database, async (connection, connect) => {
    const labels = await connect()
    let round = 0
    await fc.assert(
      fc.asyncProperty(histories, sayings, fc.integer({ min: 0, max: 6 }), async (history, said, delayMs) => {
        const prepared = join(folder, `said-${round}.parquet`)
        const labelHistory = join(folder, `labels-${round++}.parquet`)
        await write(connection, prepared, history)
        const all = allSaid(history, said, delayMs)
        await writeHistory(connection, labelHistory, history, said, delayMs)
        const ruled = bySaying(history, all)
        const replayed = await byReplay(connection, labels, prepared, delayMs, undefined, labelHistory)
        expect(replayed).toEqual(ruled)
        for (const from of [0, Math.floor(history.length / 2)])
          expect(await byPlaying(connection, prepared, history, delayMs, from, labelHistory)).toEqual(
            ruled.filter(([label]) => label >= from),
          )
        // Who is genuine by itself is so once, unless something was said by then; all that is said counts.
        const genuine = await byReplay(
          connection,
          labels,
          prepared,
          delayMs,
          'genuine_after_delay',
          labelHistory,
        )
        const delayed = history.flatMap((_, n) => {
          const dueMs = Math.max(history[n]!.eventTimeMs + delayMs, clockAt(history, n))
          const isSaid = all.some((one) => one.n === n && dueOfSaying(history, one) <= dueMs)
          return isSaid ? [] : [{ n, knownMs: history[n]!.eventTimeMs + delayMs, turn: -1, isFraud: false }]
        })
        expect(genuine).toEqual(bySaying(history, [...all, ...delayed]))
      }),
      { numRuns: 60 },
    )
    labels.closeSync()
  })
}, 180_000)

/** Something that was said of transaction `n` (of as many as there are), in the order of their places. */
interface Saying {
  readonly n: number
  readonly isFraud: boolean | null
  readonly knownMs: number | null
}

const sayings: fc.Arbitrary<Saying[]> = fc.array(
  fc.record({
    n: fc.nat({ max: 13 }),
    isFraud: fc.option(fc.boolean(), { freq: 3 }),
    knownMs: fc.option(fc.integer({ min: 0, max: 20 })),
  }),
  { maxLength: 14, size: 'max' },
)

interface Said {
  readonly n: number
  readonly isFraud: boolean | null
  readonly knownMs: number
  readonly turn: number
}

/** What the transactions say themselves, then what is said of them. */
const allSaid = (history: readonly Arrived[], said: readonly Saying[], delayMs: number): Said[] => {
  const byDelay = (n: number): number => history[n]!.eventTimeMs + delayMs
  return [
    ...history.flatMap(({ isFraud, labelledAtMs }, n) =>
      isFraud === null ? [] : [{ n, isFraud, knownMs: labelledAtMs ?? byDelay(n), turn: 0 }],
    ),
    ...said.flatMap(({ n, isFraud, knownMs }, at) =>
      n < history.length ? [{ n, isFraud, knownMs: knownMs ?? byDelay(n), turn: at + 1 }] : [],
    ),
  ]
}

const dueOfSaying = (history: readonly Arrived[], { n, knownMs }: Said): number =>
  Math.max(knownMs, clockAt(history, n))

const bySaying = (history: readonly Arrived[], all: readonly Said[]): Delivery[] => {
  const placed = all.flatMap((one) => {
    const before = history.findIndex(
      (_, next) => next > one.n && dueOfSaying(history, one) <= clockAt(history, next),
    )
    return before < 0 ? [] : [{ ...one, before }]
  })
  const rank = (one: (typeof placed)[number]) => [
    one.before,
    dueOfSaying(history, one),
    one.n,
    one.knownMs,
    one.turn,
  ]
  return placed
    .toSorted(
      (a, b) =>
        rank(a)
          .map((value, at) => value - rank(b)[at]!)
          .find((difference) => difference !== 0) ?? 0,
    )
    .map(({ n, before, isFraud }) => [n, before, isFraud === null ? -1 : Number(isFraud)] as const)
}

/** As reading `source.labels` leaves it: all that was said of those of which it says something. */
const writeHistory = async (
  connection: DuckDBConnection,
  path: string,
  history: readonly Arrived[],
  said: readonly Saying[],
  delayMs: number,
): Promise<void> => {
  const rows = allSaid(history, said, delayMs)
    .filter(({ n }) => said.some((one) => one.n === n))
    .map(
      ({ n, isFraud, knownMs, turn }) =>
        `('t${n}', ${isFraud === null ? 'NULL' : Number(isFraud)}, ${knownMs}, ${turn})`,
    )
  await connection.run(
    `COPY (SELECT transaction_id, is_fraud::TINYINT AS is_fraud, known_at_ms::BIGINT AS known_at_ms, place::BIGINT AS place
       FROM (VALUES ${[...rows, "('none', NULL, 0, 0)"].join(', ')}) AS t(transaction_id, is_fraud, known_at_ms, place)
       WHERE transaction_id <> 'none') TO ${sqlLiteral(path)} (FORMAT parquet)`,
  )
}

/** What is known of each transaction when the next one comes, wherever that changes. */
const statesAfter = (deliveries: readonly Delivery[]): readonly (readonly number[])[] => {
  const last = new Map(deliveries.map(([label, before, isFraud]) => [`${label} ${before}`, isFraud]))
  return [...last]
    .map(([key, isFraud]) => [...key.split(' ').map(Number), isFraud])
    .toSorted((a, b) => a[1]! - b[1]! || a[0]! - b[0]!)
}

/** The labels of a history with those that come by themselves, each by the rule. */
const byGenuineRule = (history: readonly Arrived[], delayMs: number): Delivery[] => {
  const byItself = history.map((row) => ({ ...row, isFraud: false, labelledAtMs: null }))
  const placeOf = new Map(byRule(byItself, delayMs).map(([label, before]) => [label, before]))
  const dues = (rows: readonly Arrived[]) => (n: number) => dueOf(rows, n, delayMs)
  const told = byRule(history, delayMs).filter(
    ([n]) => history[n]!.isFraud === true || dues(history)(n) <= dues(byItself)(n),
  )
  const genuine = [...placeOf].filter(
    ([n]) => history[n]!.isFraud === null || dues(history)(n) > dues(byItself)(n),
  )
  return [...genuine.map(([n, before]) => [n, before, 0] as const), ...told]
}

/** The rule as its words say it: for each transaction, all labels are looked at. */
const byRule = (history: readonly Arrived[], delayMs: number): Delivery[] => {
  const deliveries: Delivery[] = []
  const delivered = new Set<number>()
  history.forEach((_, next) => {
    const due = history
      .map((_, n) => n)
      .filter((n) => n < next && history[n]!.isFraud !== null && !delivered.has(n))
      .filter((n) => dueOf(history, n, delayMs) <= clockAt(history, next))
      .sort((a, b) => dueOf(history, a, delayMs) - dueOf(history, b, delayMs) || a - b)
    for (const n of due) {
      delivered.add(n)
      deliveries.push([n, next, Number(history[n]!.isFraud)])
    }
  })
  return deliveries
}

const clockAt = (history: readonly Arrived[], n: number): number =>
  Math.max(...history.slice(0, n + 1).map(({ eventTimeMs }) => eventTimeMs))

const dueOf = (history: readonly Arrived[], n: number, delayMs: number): number =>
  Math.max(history[n]!.labelledAtMs ?? history[n]!.eventTimeMs + delayMs, clockAt(history, n))

const SHAPE = { attributes: 0, entities: 0, features: 1 }
const batch = mapBatch(allocateBatch(SHAPE), SHAPE)

const byReplay = async (
  transactions: DuckDBConnection,
  labels: DuckDBConnection,
  prepared: string,
  delayMs: number,
  unlabelled?: Unlabelled,
  labelHistory?: string,
): Promise<Delivery[]> => {
  const profile = await profileArrivals(transactions, prepared)
  const reader = await ArrivalReader.open(
    { transactions, labels },
    {
      prepared,
      profile,
      attributes: [],
      entities: [],
      labelDelayMs: delayMs,
      unlabelled,
      needsLabels: true,
      labelHistory,
    },
  )
  const arrivalOf = new Map(Array.from({ length: profile.rows }, (_, n) => [tokenOf(`t${n}`), n]))
  const deliveries: Delivery[] = []
  let arrived = 0
  for (;;) {
    // Small batches: a label may be the first of one, and fill one.
    const filled = await reader.fill(batch, 3)
    if (filled.rows === 0 && filled.labels === 0) return deliveries
    for (let at = 0; at < filled.labels; at++) {
      const word = (name: keyof typeof LABEL) => batch.labels[at * LABEL_WIDTH + LABEL[name]]!
      const label = arrivalOf.get(word('transactionToken'))!
      const { isFraud, known } = labelInWord(word('isFraud'))
      const told = deliveries.findLast(([earlier]) => earlier === label)?.[2]
      expect(known === undefined ? undefined : Number(known)).toBe(told === -1 ? undefined : told)
      deliveries.push([label, arrived + word('beforeRow'), isFraud === null ? -1 : Number(isFraud)])
    }
    arrived += filled.rows
  }
}

/** As `driveService` does from arrival `from` on. */
const byPlaying = async (
  connection: DuckDBConnection,
  prepared: string,
  history: readonly Arrived[],
  delayMs: number,
  from: number,
  labelHistory?: string,
): Promise<Delivery[]> => {
  let clockMs = Math.max(Number.NEGATIVE_INFINITY, ...history.slice(0, from).map((row) => row.eventTimeMs))
  const labels = readLabels(connection, prepared, { from, delayMs, labelHistory }, NO_SHAPE)
  let label = await labels.next()
  const deliveries: Delivery[] = []
  for (let n = from; n < history.length; n++) {
    clockMs = Math.max(clockMs, history[n]!.eventTimeMs)
    for (; label.done !== true && isLabelDue(label.value, clockMs, n); label = await labels.next())
      deliveries.push([label.value.arrival, n, Number(label.value.feedback.isFraud ?? -1)])
  }
  return deliveries
}

const histories: fc.Arbitrary<Arrived[]> = fc
  .tuple(
    fc.array(
      fc.record({
        eventTimeMs: fc.integer({ min: 0, max: 12 }),
        isFraud: fc.option(fc.boolean()),
        labelledAtMs: fc.option(fc.integer({ min: 0, max: 20 })),
      }),
      { minLength: 1, maxLength: 14, size: 'max' },
    ),
    fc.constantFrom('as it comes', 'in order of time, with one delay'),
  )
  .map(([rows, how]) =>
    how === 'as it comes'
      ? rows
      : rows.map((row) => ({ ...row, labelledAtMs: null })).sort((a, b) => a.eventTimeMs - b.eventTimeMs),
  )

const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'tmp') }

const write = async (connection: DuckDBConnection, path: string, history: readonly Arrived[]) => {
  const known = (row: Arrived, n: number): Readonly<Record<string, unknown>> => ({
    transaction_id: `'t${n}'`,
    user_id: "'ada'",
    event_time_ms: row.eventTimeMs,
    amount_minor: 1,
    arrival: n,
    source_row: n,
    is_fraud: row.isFraud === null ? 'NULL' : Number(row.isFraud),
    labelled_at_ms: row.labelledAtMs ?? 'NULL',
  })
  const columns = Object.entries(PREPARED_COLUMNS)
  const rows = history.map((row, n) => {
    const values = known(row, n)
    return `(${columns.map(([name, type]) => `(${values[name] ?? 'NULL'})::${type.replace(' NOT NULL', '')}`).join(', ')})`
  })
  await connection.run(
    `COPY (SELECT * FROM (VALUES ${rows.join(', ')}) AS t(${columns.map(([name]) => name).join(', ')}))
     TO ${sqlLiteral(path)} (FORMAT parquet)`,
  )
}
