import { isAtLeast } from '../drift/severity.ts'
import { sha256 } from '../foundation/hash.ts'
import {
  type Episode,
  type EpisodeRecord,
  type EpisodeStatus,
  isAdjusted,
  isBeforeTraining,
} from './episode.ts'
import type { RetrainingFinding, RetrainingLook, TriggerKind } from './finding.ts'
import { type HoldPlan, planFor, type RetrainPlan } from './plan.ts'
import {
  episodesOf,
  isOnlyAsked,
  type RetrainingBook,
  type RetrainingEntry,
  runningEpisode,
  triggerKey,
} from './retraining-book.ts'
import type { RetrainingRules } from './retraining-rules.ts'

/** When and by whom. */
export interface Taking {
  readonly rules: Pick<RetrainingRules, 'leastSeverity' | 'quietLooks'>
  readonly nowMs: number
  /** A person, or `vigia`. */
  readonly by: string
}

/**
 * What follows from a look; undefined when it was taken before.
 *
 * One episode of a model runs at a time: whatever looks find meanwhile belongs to it. A trigger begins one
 * episode: after its end the same finding begins no other, until `quietLooks` looks in a row have not found
 * it, or another model decides.
 */
export const takeRetrainingLook = (
  book: RetrainingBook,
  told: RetrainingLook,
  taking: Taking,
): RetrainingEntry | undefined => {
  if (book.looks.get(told.model)?.has(told.id) === true) return undefined
  const look = { ...told, champion: underivedOf(book, told) }
  const plan = planFor(look.findings, taking.rules)
  const kinds = kindsOf(look.findings, taking.rules)
  const { brokenDays = [] } = look
  const taken = {
    id: look.id,
    model: look.model,
    champion: look.champion,
    kinds,
    ...(brokenDays.length > 0 && { brokenDays }),
  }
  const running = runningEpisode(book, look.model)
  const found =
    running !== undefined
      ? whileRunning(running, plan, look, taking)
      : plan.action === 'hold'
        ? opened(look, heldFrom(plan, look), taking)
        : plan.action === 'retrain' && isNewTrigger(book, look, plan, taking)
          ? opened(look, triggeredBy(plan), taking)
          : undefined
  const days = [...(book.brokenDays.get(look.model) ?? []), ...brokenDays]
  return { version: 1, look: taken, records: [], ...leavingOut(days, found, running) }
}

/** Days with broken data are left out of what is not trained yet, also where no fault began an episode. */
const leavingOut = (
  days: readonly number[],
  found: Pick<RetrainingEntry, 'episode' | 'records'> | undefined,
  running: Episode | undefined,
): Pick<RetrainingEntry, 'episode' | 'records'> | undefined => {
  const episode = found?.episode ?? running
  if (episode === undefined || episode.order !== undefined) return found
  const leftOutDays = [...new Set([...episode.leftOutDays, ...days])].sort((a, b) => a - b)
  if (leftOutDays.length === episode.leftOutDays.length) return found
  const steps = episode.steps + (found === undefined ? 1 : 0)
  return { episode: { ...episode, leftOutDays, steps }, records: found?.records ?? [] }
}

/**
 * What triggers count as the champion: with another threshold it is the same, else what it was given one for
 * would be a new trigger.
 */
const underivedOf = (book: RetrainingBook, { model, champion }: RetrainingLook): string =>
  episodesOf(book, model).find(({ adjusted }) => adjusted?.key === champion)?.champion ?? champion

/** Kinds that are a trigger, or hold one. */
const kindsOf = (
  findings: readonly RetrainingFinding[],
  { leastSeverity }: Taking['rules'],
): readonly TriggerKind[] => [
  ...new Set(
    findings
      .filter((finding) => !('severity' in finding) || isAtLeast(finding.severity, leastSeverity))
      .filter((finding) => finding.kind !== 'covariate_shift' || finding.movedScores)
      .map(({ kind }) => kind),
  ),
]

const isNewTrigger = (
  book: RetrainingBook,
  look: RetrainingLook,
  plan: RetrainPlan,
  { rules }: Taking,
): boolean => {
  const earlier = episodesOf(book, look.model)
  if (plan.triggerId !== undefined) return !earlier.some(({ id }) => id === episodeId(look, plan))
  const isKnown = earlier.some(({ champion, kind }) => champion === look.champion && kind === plan.kind)
  const quiet = book.quiet.get(triggerKey(look.model, look.champion, plan.kind))
  return !isKnown || quiet === undefined || quiet >= rules.quietLooks
}

/** The same for whoever computes it again. */
const episodeId = (
  { model, champion, id }: Pick<RetrainingLook, 'model' | 'champion' | 'id'>,
  { kind, triggerId }: { readonly kind: TriggerKind; readonly triggerId?: string },
): string =>
  sha256(
    JSON.stringify(triggerId === undefined ? [model, champion, kind, id] : [model, kind, triggerId]),
  ).slice(0, 24)

type Beginning = Pick<
  Episode,
  | 'kind'
  | 'status'
  | 'why'
  | 'changedMs'
  | 'movedMs'
  | 'wantsThreshold'
  | 'wantsRecency'
  | 'leftOutDays'
  | 'asked'
> & { readonly triggerId?: string }

const heldFrom = ({ why, days }: HoldPlan, look: RetrainingLook): Beginning => ({
  kind: 'data_fault',
  status: 'held',
  why,
  changedMs: null,
  movedMs: null,
  wantsThreshold: false,
  wantsRecency: false,
  leftOutDays: days,
  ...askedIn(look),
})

/** What a look was told that somebody or the calendar asks for; a person comes first. */
const askedIn = ({ findings }: RetrainingLook): Pick<Episode, 'asked'> => {
  const asked =
    findings.find((finding) => finding.kind === 'request') ??
    findings.find((finding) => finding.kind === 'schedule')
  return asked === undefined ? {} : { asked }
}

const triggeredBy = (plan: RetrainPlan): Beginning => ({
  kind: plan.kind,
  status: 'observed',
  why: plan.why,
  changedMs: plan.sinceMs,
  movedMs: plan.movedMs,
  wantsThreshold: plan.wantsThreshold,
  wantsRecency: plan.wantsRecency,
  leftOutDays: [],
  ...(plan.triggerId !== undefined && { triggerId: plan.triggerId }),
})

const opened = (
  look: RetrainingLook,
  { triggerId, ...beginning }: Beginning,
  { nowMs, by }: Taking,
): Pick<RetrainingEntry, 'episode' | 'records'> => {
  const id = episodeId(look, {
    kind: beginning.kind,
    ...(triggerId !== undefined && { triggerId }),
  })
  const episode: Episode = {
    ...beginning,
    id,
    model: look.model,
    champion: look.champion,
    openedMs: nowMs,
    sinceMs: nowMs,
    steps: 1,
    looks: 1,
    lastLook: look.id,
    heldFrom: null,
    failures: 0,
  }
  const record = { atMs: nowMs, by, episode: id, from: null, to: episode.status, why: episode.why }
  return { episode, records: [{ ...record, look: look.id }] }
}

/** What a look means for the episode that runs. */
const whileRunning = (
  before: Episode,
  plan: ReturnType<typeof planFor>,
  look: RetrainingLook,
  taking: Taking,
): Pick<RetrainingEntry, 'episode' | 'records'> | undefined => {
  if (plan.action === 'hold') return broken(before, plan, look, taking)
  const found = plan.action === 'retrain' ? plan : undefined
  if (before.status === 'held' && !isOnlyAsked(kindsOf(look.findings, taking.rules)))
    return mended(before, found, look, taking)
  if (found === undefined) return undefined
  const counted = {
    ...before,
    ...(before.status === 'held' && before.asked === undefined && askedIn(look)),
    looks: before.looks + 1,
    lastLook: look.id,
    steps: before.steps + 1,
  }
  if (!isBeforeTraining(before.status)) return { episode: counted, records: [] }
  // What a later look finds is learnt too, as long as nothing is trained yet.
  return {
    episode: {
      ...counted,
      wantsThreshold: before.wantsThreshold || found.wantsThreshold,
      wantsRecency: before.wantsRecency || found.wantsRecency,
      changedMs: before.changedMs ?? found.sinceMs,
      movedMs: before.wantsThreshold ? (before.movedMs ?? before.changedMs) : found.movedMs,
    },
    records: [],
  }
}

/** A fault holds what is not trained yet; of what is, its days are left out of what follows. */
const broken = (
  before: Episode,
  plan: HoldPlan,
  look: RetrainingLook,
  taking: Taking,
): Pick<RetrainingEntry, 'episode' | 'records'> => {
  const leftOutDays = [...new Set([...before.leftOutDays, ...plan.days])].sort((a, b) => a - b)
  const isOpen = before.status === 'held' || isBeforeTraining(before.status)
  const asked = isOpen && before.asked === undefined ? askedIn(look) : {}
  const after = { ...before, ...asked, leftOutDays, lastLook: look.id, steps: before.steps + 1 }
  if (!isBeforeTraining(before.status)) return { episode: after, records: [] }
  // A threshold of days that turn out to be broken is looked for anew.
  const { threshold, ...unproposed } = after
  const isUnapplied = threshold !== undefined && before.adjusted === undefined
  const held = isUnapplied ? unproposed : after
  const heldFrom = before.status === 'adjusting' ? 'observed' : before.status
  return moved({ ...held, heldFrom }, 'held', plan.why, look, taking)
}

/**
 * What was found beside a fault may have been its effect, so it has to be found again; what the calendar or a
 * person asks for has not, whether it was held or came while others were.
 */
const mended = (
  before: Episode,
  found: RetrainPlan | undefined,
  look: RetrainingLook,
  taking: Taking,
): Pick<RetrainingEntry, 'episode' | 'records'> => {
  const { asked, ...unasked } = before
  const { heldFrom, kind } = unasked
  const after = { ...unasked, heldFrom: null, lastLook: look.id, steps: before.steps + 1 }
  const isAsked = kind === 'schedule' || kind === 'request'
  if (heldFrom !== null && (isAsked || found !== undefined))
    return moved(after, heldFrom, 'data are right again', look, taking)
  const wanted = found ?? planOf(asked, taking)
  if (wanted === undefined) {
    const why = 'data are right again, and nothing else was found'
    return isAdjusted(before)
      ? moved({ ...after, returnTo: 'cleared' }, 'restoring', why, look, taking)
      : moved(after, 'cleared', why, look, taking)
  }
  const { triggerId: _, ...beginning } = triggeredBy(wanted)
  const begun = { ...after, ...beginning, leftOutDays: before.leftOutDays, status: before.status }
  const why = `data are right again; ${wanted.why}`
  // A threshold that was given for what is not found again is taken back first.
  return found === undefined && isAdjusted(before)
    ? moved({ ...begun, returnTo: 'observed' }, 'restoring', why, look, taking)
    : moved(begun, 'observed', why, look, taking)
}

const planOf = (asked: Episode['asked'], { rules }: Taking): RetrainPlan | undefined => {
  const plan = asked && planFor([asked], rules)
  return plan?.action === 'retrain' ? plan : undefined
}

const moved = (
  before: Episode,
  to: EpisodeStatus,
  why: string,
  look: RetrainingLook,
  { nowMs, by }: Taking,
): Pick<RetrainingEntry, 'episode' | 'records'> => {
  const record: EpisodeRecord = {
    atMs: nowMs,
    by,
    episode: before.id,
    from: before.status,
    to,
    why,
    look: look.id,
  }
  return { episode: { ...before, status: to, sinceMs: nowMs, why, failures: 0 }, records: [record] }
}
