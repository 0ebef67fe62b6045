import { type DriftSeverity, isAtLeast } from '../drift/severity.ts'
import type { ConceptFound, RetrainingFinding, ShiftFound, TriggerKind } from './finding.ts'

/** What to do about what a look found. */
export type RetrainingPlan = NothingToDo | HoldPlan | RetrainPlan

/** Nothing to train for. */
export interface NothingToDo {
  readonly action: 'nothing'
  readonly why: string
}

/** Page somebody, and train nothing until it is mended. */
export interface HoldPlan {
  readonly action: 'hold'
  readonly why: string
  readonly faults: readonly string[]
  /** Whole days since 1970 that nothing may be learnt from. */
  readonly days: readonly number[]
}

/** Train a challenger once enough labels have matured. */
export interface RetrainPlan {
  readonly action: 'retrain'
  readonly kind: Exclude<TriggerKind, 'data_fault'>
  readonly why: string
  /**
   * Decisions since then are what the model must learn: their labels are waited for. Epoch milliseconds;
   * null: nothing has changed that one could wait for.
   */
  readonly sinceMs: number | null
  /** A threshold that meets the alert budget, at once: it needs no labels. */
  readonly wantsThreshold: boolean
  /** Since when scores are of the changed kind, epoch milliseconds; null where none have moved. */
  readonly movedMs: number | null
  /** Weigh rows by recency. */
  readonly wantsRecency: boolean
  /** Names the trigger among those of its kind, where the kind does not. */
  readonly triggerId?: string
}

export interface PlanRules {
  /** Shifts and concept drift below it are told by alerts, and trained for by nobody. */
  readonly leastSeverity: DriftSeverity
}

/**
 * What follows from the findings of one look. Of several the gravest decides: a data fault holds whatever
 * else was found, since the rest may be its effect; then what labels say, what scores do, what somebody asks
 * for, and the calendar.
 *
 * | found | done |
 * | --- | --- |
 * | data fault | hold |
 * | concept drift | retrain on recent rows; a threshold at once where scores moved too |
 * | covariate shift that moves scores | a threshold to the alert budget at once; retrain on matured labels |
 * | covariate shift that moves no scores | nothing: the model answers as before |
 * | request, schedule | retrain plainly |
 */
export const planFor = (
  findings: readonly RetrainingFinding[],
  { leastSeverity }: PlanRules,
): RetrainingPlan => {
  const faults = findings.filter((finding) => finding.kind === 'data_fault')
  if (faults.length > 0) return holdPlan(faults)
  const isGrave = ({ severity }: ShiftFound | ConceptFound): boolean => isAtLeast(severity, leastSeverity)
  const concept = findings.find((finding) => finding.kind === 'concept_drift' && isGrave(finding))
  const shift = findings.find((finding) => finding.kind === 'covariate_shift' && isGrave(finding)) as
    | ShiftFound
    | undefined
  if (concept?.kind === 'concept_drift')
    return {
      action: 'retrain',
      kind: 'concept_drift',
      why: `labels say that fraud has changed: ${concept.what}`,
      sinceMs: concept.sinceMs,
      wantsThreshold: shift?.movedScores === true,
      movedMs: shift?.movedScores === true ? shift.sinceMs : null,
      wantsRecency: true,
    }
  if (shift?.movedScores === true)
    return {
      action: 'retrain',
      kind: 'covariate_shift',
      why: `what comes in has changed, and scores with it: ${shift.what}`,
      sinceMs: shift.sinceMs,
      wantsThreshold: true,
      movedMs: shift.sinceMs,
      wantsRecency: true,
    }
  return calledFor(findings) ?? nothingToDo(shift, findings, leastSeverity)
}

const holdPlan = (faults: readonly Extract<RetrainingFinding, { kind: 'data_fault' }>[]): HoldPlan => {
  const named = [...new Set(faults.flatMap((fault) => fault.faults))]
  return {
    action: 'hold',
    why: `data are broken (${named.join(', ')}): a model that is trained on them learns the fault`,
    faults: named,
    days: [...new Set(faults.flatMap(({ days }) => days))].sort((a, b) => a - b),
  }
}

/** What somebody asks for, or the calendar. */
const calledFor = (findings: readonly RetrainingFinding[]): RetrainPlan | undefined => {
  for (const finding of findings)
    if (finding.kind === 'request')
      return {
        action: 'retrain',
        kind: 'request',
        why: `${finding.by} asks for it: ${finding.why}`,
        sinceMs: finding.sinceMs,
        wantsThreshold: false,
        movedMs: null,
        wantsRecency: false,
        triggerId: finding.id,
      }
  for (const finding of findings)
    if (finding.kind === 'schedule') {
      const due = new Date(finding.dueMs).toISOString()
      return {
        action: 'retrain',
        kind: 'schedule',
        why: `it was due at ${due}`,
        sinceMs: null,
        wantsThreshold: false,
        movedMs: null,
        wantsRecency: false,
        triggerId: due,
      }
    }
  return undefined
}

const nothingToDo = (
  shift: ShiftFound | undefined,
  findings: readonly RetrainingFinding[],
  leastSeverity: DriftSeverity,
): NothingToDo => {
  if (shift !== undefined)
    return {
      action: 'nothing',
      why: `what comes in has changed (${shift.what}), and no score moved: there is nothing to learn from it`,
    }
  return findings.length === 0
    ? { action: 'nothing', why: 'nothing was found' }
    : { action: 'nothing', why: `nothing that was found is ${leastSeverity}` }
}
