import type { DecisionEntry } from '../decisions/decided.ts'
import { openTestLog, testModel } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { encodeDecision, encodeLabel, type LabelEntry } from '../decisions/log/log-record.ts'
import { documentOf } from '../decisions/log/model-document.ts'
import { encodeDays } from '../drift/days-encoding.ts'
import { ProfileBook } from '../drift/profile-book.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { createRandom, type Random } from '../foundation/random.ts'
import { profileNumbers } from '../model/reference-profile.ts'

const DAY_MS = 86_400_000
export const FIRST_DAY = 19_000
export const ROWS = 150

/** A decision of a bank that nobody made. */
export interface InventedRow {
  readonly eventTimeMs: number
  readonly visits: number
  readonly amount: number
  readonly type: string
}

/** A day of a bank whose customers do the same as ever; `change` is what is different about it. */
export const inventedDay = (
  day: number,
  random: Random,
  change: (row: InventedRow) => InventedRow = (row) => row,
): readonly InventedRow[] =>
  Array.from({ length: ROWS }, (_, row) =>
    change({
      eventTimeMs: day * DAY_MS + Math.floor((row * DAY_MS) / ROWS),
      visits: 1 + random.integer(5),
      amount: -20 * log(1 - random.next()),
      type: row % 3 === 0 ? 'Withdrawal' : 'purchase ',
    }),
  )

/**
 * The champion with a reference, and with the days of a training before `FIRST_DAY` where some are asked
 * for.
 */
export const watchedModel = (trainingDays: number): LoadedModel => {
  const model = testModel('champion', 3)
  const random = createRandom(5)
  const days = Array.from({ length: Math.max(20, trainingDays) }, (_, n) =>
    inventedDay(FIRST_DAY - 1 - n, random),
  )
  const rows = days.flat()
  const score = (row: InventedRow) => model.scorer.scoreOne([row.visits, row.amount])
  const reference = {
    schema: 1 as const,
    rows: rows.length,
    features: {
      user_tx_count_60s: profileNumbers(Float64Array.from(rows, ({ visits }) => visits)),
      amount: profileNumbers(Float64Array.from(rows, ({ amount }) => amount)),
    },
    score: { part: 'validation' as const, profile: profileNumbers(Float64Array.from(rows, score)) },
    importance: { user_tx_count_60s: 0.25, amount: 0.75 },
  }
  const book = new ProfileBook(reference, {
    features: model.scorer.featureNames,
    threshold: model.scorer.threshold,
  })
  for (const row of days.slice(0, trainingDays).flat())
    book.add(
      row.eventTimeMs,
      Float64Array.of(row.visits, row.amount),
      score(row),
      row.type.trim().toLowerCase(),
    )
  const told = Array.from({ length: trainingDays }, (_, n) => book.day(FIRST_DAY - trainingDays + n)!)
  const { manifest } = model.artifact
  return { ...model, artifact: { manifest, reference, days: encodeDays(told) } as never }
}

/** What somebody said of a row, by its place among the rows. */
export interface InventedLabel extends Partial<LabelEntry> {
  readonly of: number
  readonly isFraud: boolean | null
  readonly receivedAtMs: number
}

/**
 * Writes decisions on these rows to a new log in `folder`, and after them all that is told of them; `edit`
 * may change what is logged of each decision, which model made it among that: one of `others`.
 */
export const writeDecisions = async (
  folder: string,
  model: LoadedModel,
  rows: readonly InventedRow[],
  edit: (entry: DecisionEntry, row: number) => DecisionEntry = (entry) => entry,
  labels: readonly InventedLabel[] = [],
  others: readonly LoadedModel[] = [],
): Promise<void> => {
  const opened = await openTestLog(folder)
  for (const one of [model, ...others])
    await opened.writeDocument(`model-${one.key}`, JSON.stringify(documentOf(one)))
  const written: Promise<unknown>[] = []
  const places = model.scorer.featureNames.map((name) => model.computed.indexOf(name))
  for (const [n, { eventTimeMs, visits, amount, type }] of rows.entries()) {
    const vector = new Float64Array(model.computed.length)
    vector[places[0]!] = visits
    vector[places[1]!] = amount
    const entry = {
      transaction: { transactionId: `t${n}`, eventTimeMs, amountMinor: 100, transactionType: type },
      decidedAtMs: eventTimeMs,
      probability: model.scorer.scoreOne([visits, amount]),
      isFlagged: false,
      riskLevel: 'low',
      threshold: 0.5,
      model: model.key,
      role: 'champion',
      timing: undefined,
      latencyMs: 1,
      shadow: undefined,
    } as DecisionEntry
    written.push(opened.append(n + 1, Uint8Array.from(encodeDecision(n + 1, edit(entry, n), vector))))
  }
  for (const [n, { of, ...label }] of labels.entries()) {
    const sequence = rows.length + n + 1
    const entry = { transactionId: `t${of}`, isApplied: true, ...label }
    written.push(opened.append(sequence, Uint8Array.from(encodeLabel(sequence, entry))))
  }
  await Promise.all(written)
  await opened.close()
}
