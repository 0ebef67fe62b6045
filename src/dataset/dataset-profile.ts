import type { DuckDBConnection } from '@duckdb/node-api'
import { DAY_MS } from '../foundation/days.ts'
import { pow } from '../foundation/elementary/power.ts'
import { PREPARED_COLUMNS } from '../transaction/prepared-columns.ts'
import type { AmountBin, ColumnProfile, DayVolume } from './validation-report.ts'

/**
 * Figures of a prepared dataset that the checks and the pictures need. Instants are epoch ms, amounts minor
 * units.
 */
export interface DatasetProfile {
  readonly rows: number
  readonly firstEventMs: number | null
  readonly lastEventMs: number | null
  readonly labelled: number
  readonly fraud: number
  readonly columns: readonly ColumnProfile[]
  /** Amounts of 0 and refunds. */
  readonly zeroAmounts: number
  readonly refunds: number
  /** Quartiles of the amounts above 0 (nearest rank); null without any. */
  readonly quartiles: readonly [number, number, number] | null
  /** Median of |ln(amount) - ln(median)| over amounts above 0; 0 when more than half of them are equal. */
  readonly logDeviation: number
  readonly days: readonly Omit<DayVolume, 'quarantined'>[]
  /** What rows say of their currency, in capitals, commonest first. */
  readonly currencies: readonly { readonly currency: string; readonly rows: number }[]
  /** Of amounts above 0. */
  readonly amounts: readonly AmountBin[]
  /** A day, an hour or a minute, when all times lie whole ones apart; null when they are finer or too few. */
  readonly resolutionMs: number | null
}

/** Bins a decade of amounts is cut into for the histogram. */
const BINS_PER_DECADE = 5

/**
 * Profiles the relation `from` (SQL: a table or `read_parquet('...')`). `mapped` names the columns the source
 * fills, `types` its columns with their SQL types.
 */
export const profileDataset = async (
  connection: DuckDBConnection,
  from: string,
  mapped: ReadonlySet<string>,
  types: Readonly<Record<string, string>> = PREPARED_COLUMNS,
): Promise<DatasetProfile> => {
  const names = Object.keys(types)
  const isText = (name: string): boolean => types[name]!.startsWith('VARCHAR')
  const one = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  // Transaction ids are unique in a prepared dataset: counting them again would only cost memory.
  const counted = names.filter((name) => isText(name) && name !== 'transaction_id' && mapped.has(name))
  const [totals] = await one(
    `SELECT count(*), min(event_time_ms), max(event_time_ms), count(is_fraud), coalesce(sum(is_fraud), 0), ${names.map((name) => `count(${name})`).join(', ')} FROM ${from}`,
  )
  const [distinct] =
    counted.length === 0
      ? [[]]
      : await one(`SELECT ${counted.map((name) => `count(DISTINCT ${name})`).join(', ')} FROM ${from}`)
  const rows = Number(totals![0])
  const [signs] = await one(
    `SELECT count(*) FILTER (amount_minor = 0), count(*) FILTER (amount_minor < 0) FROM ${from}`,
  )
  const paid = `${from} WHERE amount_minor > 0`
  const [quartiles] = await one(`SELECT quantile_disc(amount_minor, [0.25, 0.5, 0.75]) AS q FROM ${paid}`)
  const list =
    quartiles![0] === null
      ? null
      : ((quartiles![0] as { items: readonly unknown[] }).items.map(Number) as [number, number, number])
  const [deviation] =
    list === null
      ? [[0]]
      : await one(`SELECT quantile_disc(abs(ln(amount_minor) - ln(${list[1]})), 0.5) FROM ${paid}`)
  const days = await one(
    `SELECT event_time_ms // ${DAY_MS} AS day, count(*), count(is_fraud), coalesce(sum(is_fraud), 0) FROM ${from} GROUP BY day ORDER BY day`,
  )
  return {
    rows,
    firstEventMs: nullable(totals![1]),
    lastEventMs: nullable(totals![2]),
    labelled: Number(totals![3]),
    fraud: Number(totals![4]),
    columns: names.map((name, index) => {
      const missing = rows - Number(totals![5 + index])
      const place = counted.indexOf(name)
      return {
        name,
        type: types[name]!.replace(' NOT NULL', ''),
        mapped: mapped.has(name),
        missing,
        missingShare: rows === 0 ? 0 : missing / rows,
        distinct: name === 'transaction_id' ? rows : place < 0 ? null : Number(distinct![place]),
      }
    }),
    zeroAmounts: Number(signs![0]),
    refunds: Number(signs![1]),
    currencies: await currenciesOf(one, from),
    quartiles: list,
    logDeviation: Number(deviation![0]),
    days: days.map(([day, accepted, labelled, fraud]) => ({
      dayMs: Number(day) * DAY_MS,
      accepted: Number(accepted),
      labelled: Number(labelled),
      fraud: Number(fraud),
    })),
    amounts: await amountBins(one, paid),
    resolutionMs: await resolutionOf(one, from),
  }
}

type Query = (sql: string) => Promise<readonly (readonly unknown[])[]>

const currenciesOf = async (one: Query, from: string): Promise<DatasetProfile['currencies']> => {
  const counted = await one(
    `SELECT upper(trim(currency)) AS code, count(*) FROM ${from} WHERE currency IS NOT NULL GROUP BY code ORDER BY count(*) DESC, code`,
  )
  return counted.map(([currency, rows]) => ({ currency: String(currency), rows: Number(rows) }))
}

/** Fewer different times than this may lie whole hours apart by chance. */
const ENOUGH_TIMES = 10
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

const resolutionOf = async (
  one: (sql: string) => Promise<readonly (readonly unknown[])[]>,
  from: string,
): Promise<number | null> => {
  const within = (unitMs: number) =>
    `max(event_time_ms % ${unitMs}) - min(event_time_ms % ${unitMs}), count(DISTINCT event_time_ms % ${unitMs})`
  const [found] = await one(
    `SELECT count(DISTINCT event_time_ms), ${[DAY_MS, HOUR_MS, MINUTE_MS].map(within).join(', ')} FROM ${from}`,
  )
  const [times, daySpread, dayPlaces, hourSpread, , minuteSpread] = found!.map(Number)
  if (times! < ENOUGH_TIMES) return null
  // Local midnights have two places in the day of UTC, an hour apart, where clocks change.
  if (daySpread === 0 || (dayPlaces === 2 && (daySpread === HOUR_MS || daySpread === DAY_MS - HOUR_MS)))
    return DAY_MS
  if (hourSpread === 0) return HOUR_MS
  return minuteSpread === 0 ? MINUTE_MS : null
}

const amountBins = async (
  one: (sql: string) => Promise<readonly (readonly unknown[])[]>,
  from: string,
): Promise<readonly AmountBin[]> => {
  const bins = await one(
    `SELECT CAST(floor(log10(amount_minor) * ${BINS_PER_DECADE}) AS INTEGER) AS bin, count(*) FROM ${from} GROUP BY bin ORDER BY bin`,
  )
  return bins.map(([bin, rows]) => ({
    fromMinor: pow(10, Number(bin) / BINS_PER_DECADE),
    toMinor: pow(10, (Number(bin) + 1) / BINS_PER_DECADE),
    rows: Number(rows),
  }))
}

const nullable = (value: unknown): number | null =>
  value === null || value === undefined ? null : Number(value)
