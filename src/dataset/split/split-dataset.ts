import type { DuckDBConnection } from '@duckdb/node-api'
import type { LabelsSettings } from '../../config/sections/labels.ts'
import type { SplitSettings } from '../../config/sections/split.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import { createRandom, type Random } from '../../foundation/random.ts'
import { assignByTime } from './assign-by-time.ts'
import { assignStratified } from './assign-stratified.ts'
import { excludeKnownCompromised } from './exclude-known-compromised.ts'
import { PART, PART_NAMES, type SplitRows, type TemporalWindows, UNLABELLED } from './part.ts'
import { readRowWeights } from './row-weights.ts'
import { readSplitPlan, type SplitPlan } from './split-plan.ts'
import { reportSplit, type SplitReport, withSample } from './split-report.ts'
import { readSplitRows, writeParts } from './split-rows.ts'
import { inOrder, type TimeShares, windowsFromRows, windowsFromShares } from './temporal-windows.ts'

/** What a split says of every row, and of the whole. */
export interface Split {
  /** PART of each row. */
  readonly parts: Uint8Array
  readonly report: SplitReport
}

/**
 * Divides rows into training, validation and test. Only a stratified split draws from `random`. O(n).
 *
 * @throws DATASET_SPLIT_UNLABELLED, DATASET_SPLIT_EMPTY, DATASET_SPLIT_ORDER, DATASET_SPLIT_TOO_SHORT
 */
export const splitRows = (rows: SplitRows, plan: SplitPlan, labelDelayMs: number, random: Random): Split => {
  const span = labelledSpan(rows)
  if (plan.method === 'stratified') {
    const parts = assignStratified(rows.labels, plan.shares, random)
    requireRows(parts, plan.shares.validation > 0, span, 'there are too few rows for its share')
    const { shares } = plan
    return { parts, report: reportSplit(parts, rows, { windows: null, labelDelayMs, excluded: 0, shares }) }
  }
  const windows = 'windows' in plan.time ? inOrder(plan.time.windows) : windowsByShares(rows, span, plan.time)
  const assigned = assignByTime(rows, windows)
  requireRows(assigned, windows.validation !== null, span, 'no labelled row lies in its window')
  const parts = plan.excludeKnownCompromised ? excludeKnownCompromised(assigned, rows, windows) : assigned
  requireRows(parts, windows.validation !== null, span, 'all its users were known to be compromised')
  const excluded = parts.reduce((count, part, row) => count + (part === assigned[row] ? 0 : 1), 0)
  const shares = 'shares' in plan.time ? plan.time.shares : null
  return { parts, report: reportSplit(parts, rows, { windows, labelDelayMs, excluded, shares }) }
}

const windowsByShares = (
  { eventTimesMs, labels }: SplitRows,
  { lastMs }: Span,
  { shares, by }: { readonly shares: TimeShares; readonly by: 'event_time' | 'rows' },
): TemporalWindows => {
  const firstMs = eventTimesMs.reduce((a, b) => Math.min(a, b))
  if (by === 'event_time') return windowsFromShares(firstMs, lastMs, shares)
  const labelled = eventTimesMs.filter((_, row) => labels[row] !== UNLABELLED).sort()
  return windowsFromRows(firstMs, labelled, shares)
}

/**
 * Splits a prepared dataset and writes `out`, one row a transaction in arrival order: `arrival` BIGINT,
 * `part` VARCHAR (train, validation, test, none), and with `marks` `weight` DOUBLE, what it counts for in
 * training. Memory: about 22 bytes a row beside the database. The same seed gives the same file.
 *
 * @param marks what a service's log says of decisions (`readRowWeights`); left out: every row counts once
 *
 * @throws what `readSplitPlan` and `splitRows` throw, and DATASET_NOT_WRITABLE, DATASET_NO_SPACE
 */
export const splitDataset = async (
  connection: DuckDBConnection,
  prepared: string,
  settings: SplitSettings,
  labels: LabelsSettings,
  seed: number | string,
  out: string,
  marks?: string,
): Promise<SplitReport> => {
  const plan = readSplitPlan(settings, labels)
  const labelDelayMs = parseDuration(labels.delay)
  const rows = await readSplitRows(connection, prepared, labels)
  const { eventTimesMs } = rows
  const sample =
    marks === undefined
      ? undefined
      : await readRowWeights(connection, prepared, marks, labels, eventTimesMs.length)
  const censored = sample === undefined ? 0 : leaveOut(rows, sample.weights)
  const { parts, report } = splitRows(rows, plan, labelDelayMs, createRandom(seed).fork('split'))
  await writeParts(connection, parts, out, sample?.weights)
  return sample === undefined ? report : withSample(report, parts, { ...sample, censored }, labels)
}

/** Rows of weight 0 belong to no part. @returns how many of them would have had a label */
const leaveOut = ({ labels }: SplitRows, weights: Float64Array): number => {
  let censored = 0
  for (let row = 0; row < labels.length; row++) {
    if (weights[row] !== 0 || labels[row] === UNLABELLED) continue
    labels[row] = UNLABELLED
    censored++
  }
  return censored
}

interface Span {
  readonly firstMs: number
  readonly lastMs: number
}

/** First and last event with a label. @throws DATASET_SPLIT_UNLABELLED */
const labelledSpan = ({ eventTimesMs, labels }: SplitRows): Span => {
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] === UNLABELLED) continue
    firstMs = Math.min(firstMs, eventTimesMs[row]!)
    lastMs = Math.max(lastMs, eventTimesMs[row]!)
  }
  if (firstMs > lastMs) throw new VigiaError('DATASET_SPLIT_UNLABELLED', { rows: labels.length })
  return { firstMs, lastMs }
}

const requireRows = (parts: Uint8Array, hasValidation: boolean, span: Span, reason: string): void => {
  const wanted = hasValidation ? [PART.train, PART.validation, PART.test] : [PART.train, PART.test]
  for (const part of wanted)
    if (!parts.includes(part))
      throw new VigiaError('DATASET_SPLIT_EMPTY', {
        part: PART_NAMES[part]!,
        reason,
        allowed: `${asInstant(span.firstMs)} to ${asInstant(span.lastMs)}`,
      })
}

const asInstant = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
