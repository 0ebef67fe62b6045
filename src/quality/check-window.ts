import { VigiaError } from '../errors.ts'
import { type DataFault, FAULT_KINDS, type FaultKind } from './data-fault.ts'
import { shareFaults } from './share-faults.ts'
import { swappedColumns } from './swapped-columns.ts'
import { unitFaults } from './unit-faults.ts'
import { volumeFaults } from './volume-faults.ts'
import type { WindowSummary } from './window-summary.ts'

/** Fewer days know no weekday twice. */
export const LEAST_HISTORY_DAYS = 14

/**
 * Faults of a day's data against the days before it, gravest kinds first; none where all is as usual.
 *
 * Every limit follows from the history: how far its days lay from their middle. Faults are gross, so limits
 * are wide: five robust deviations, half more than any day before, a least effect. What a fault
 * brings with it is left out: a field in another unit is out of range too. O(days · fields + fields²).
 *
 * @param history days like the one to be judged, the last eight weeks for instance, without those that had
 * faults
 * @throws QUALITY_HISTORY_SHORT below 14 days, QUALITY_FIELDS_DIFFER where days have other fields
 */
export const checkWindow = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  if (history.length < LEAST_HISTORY_DAYS)
    throw new VigiaError('QUALITY_HISTORY_SHORT', { got: history.length, allowed: LEAST_HISTORY_DAYS })
  for (const day of history) checkFields(day, today)
  const findings = [
    ...swappedColumns(history, today),
    ...unitFaults(history, today),
    ...shareFaults(history, today),
    ...volumeFaults(history, today),
  ]
  return findings
    .filter((finding) => !findings.some((other) => explains(other, finding)))
    .sort((a, b) => FAULT_KINDS.indexOf(a.kind) - FAULT_KINDS.indexOf(b.kind))
}

/** Whether a model may be trained on days with these findings. */
export const blocksRetraining = (findings: readonly DataFault[]): boolean =>
  findings.some((finding) => finding.blocksRetraining)

/** Kinds of the values of a field; the others are of the feed. */
const OF_VALUES: readonly FaultKind[] = FAULT_KINDS.slice(0, FAULT_KINDS.indexOf('duplicates'))

/** Whether a finding follows from another: of one field the earlier kind, of the feed repeats and gaps. */
const explains = (cause: DataFault, finding: DataFault): boolean => {
  if (cause === finding) return false
  if (cause.kind === 'duplicates') return finding.kind === 'volume_surge'
  if (cause.kind === 'silent_hours') return finding.kind === 'volume_drop'
  if (!OF_VALUES.includes(cause.kind) || !OF_VALUES.includes(finding.kind)) return false
  // A missing share is no consequence of what the other values are.
  if (finding.kind === 'missing' && cause.kind !== 'swapped_columns') return false
  const isEarlier = OF_VALUES.indexOf(cause.kind) < OF_VALUES.indexOf(finding.kind)
  return isEarlier && (cause.field === finding.field || cause.evidence['with'] === finding.field)
}

const checkFields = (day: WindowSummary, today: WindowSummary): void => {
  const refuse = (what: string, field: string): never => {
    const window = new Date(day.startMs).toISOString().slice(0, 10)
    throw new VigiaError('QUALITY_FIELDS_DIFFER', { window, what, field })
  }
  for (const [field, { kind }] of Object.entries(today.fields)) {
    const then = day.fields[field]
    if (then === undefined) refuse('no', field)
    else if (then.kind !== kind) refuse(`a ${then.kind}`, field)
  }
}
