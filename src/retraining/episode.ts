import type { PairedComparison } from '../evaluation/paired-comparison.ts'
import type { RequestFound, ScheduleFound, TriggerKind } from './finding.ts'

/**
 * Where an episode is. It begins with one trigger and ends once, however many looks find the same.
 *
 * | status | means | leaves it |
 * | --- | --- | --- |
 * | observed | a look asks for a retraining | a threshold is proposed, where that helps |
 * | adjusting | the champion gets that threshold, as a version of its own | it is registered |
 * | held | data are broken, somebody is paged | a look finds them mended |
 * | waiting | labels mature; cooldown and budget | enough are there |
 * | restoring | the champion with the other threshold is taken back | that is done |
 * | training | a challenger is trained | it is there; three failures |
 * | comparing | challenger and champion on the same matured rows | a verdict |
 * | shadow | the challenger scores all, answers nobody | the time is over |
 * | canary | it decides for some users | the time is over |
 * | promoting | it passes the gates and decides for all | it does |
 * | watching | the champion before it stands by | the time is over |
 * | rolling_back | it was worse: the champion before it is put back | that is done |
 * | done | the challenger is the champion | |
 * | refused | tried, not better: the champion stays and so do alerts | |
 * | rolled_back | it was worse in service: the champion before it decides | |
 * | cleared | what was held for is over, and nothing is left to train for | |
 * | failed | it could not be trained or put to service | |
 * | cancelled | somebody ended it | |
 */
export const EPISODE_STATUSES = [
  'observed',
  'adjusting',
  'held',
  'waiting',
  'restoring',
  'training',
  'comparing',
  'shadow',
  'canary',
  'promoting',
  'watching',
  'rolling_back',
  'done',
  'refused',
  'rolled_back',
  'cleared',
  'failed',
  'cancelled',
] as const
export type EpisodeStatus = (typeof EPISODE_STATUSES)[number]

const ENDED: readonly EpisodeStatus[] = ['done', 'refused', 'rolled_back', 'cleared', 'failed', 'cancelled']

/** Nothing more becomes of an episode with this status. */
export const isEnded = (status: EpisodeStatus): boolean => ENDED.includes(status)

/** Before the challenger is trained: a data fault holds it. */
export const isBeforeTraining = (status: EpisodeStatus): boolean =>
  status === 'observed' || status === 'adjusting' || status === 'waiting'

/** Which rows a challenger learns from, and which it is compared on. Epoch milliseconds, ends exclusive. */
export interface TrainingOrder {
  readonly trainFromMs: number
  /** Rows of validation follow: for early stopping, calibration and threshold. */
  readonly validationFromMs: number
  /** Rows from here on are learnt from by neither model. */
  readonly judgedFromMs: number
  readonly judgedToMs: number
  /** A row so much older than the latest counts half; null: all count alike. */
  readonly halfLifeMs: number | null
  /** Whole days since 1970 that nothing is learnt from: their data were broken. */
  readonly leftOutDays: readonly number[]
}

/** A model that was trained to take the champion's place. */
export interface Challenger {
  /** From which a server loads it: `models:/fraud/4`, or a folder. */
  readonly source: string
  readonly version: string
  /** Folder of the run. */
  readonly run: string
}

/** A threshold that meets the alert budget with the champion's scores of the latest days. */
export interface ThresholdProposal {
  readonly threshold: number
  readonly present: number
  readonly alertsPerDay: number
  /** What the present threshold raises a day on the same rows. */
  readonly presentAlertsPerDay: number
  readonly rows: number
  /** Whole days that the rows are of. */
  readonly days: number
  /** Source of the champion whose scores they are, by version. */
  readonly champion: string
  /** Platt's, of raw probabilities, fitted on labels since the change; null: the champion's stays. */
  readonly calibration: { readonly slope: number; readonly intercept: number } | null
  /** Why it is calibrated anew, or is not. */
  readonly calibrationWhy: string
  /**
   * The present threshold among probabilities that `calibration` gives: it flags the same of these rows.
   * `present` without one.
   */
  readonly presentRescaled: number
}

/** The champion with another threshold: a version of its own. */
export interface DerivedVersion {
  /** From which a server loads it. */
  readonly source: string
  readonly version: string
  /** By which looks and log records name it. */
  readonly key: string
}

/** A derived version of an episode, and what has become of it. */
export interface AdjustedChampion extends DerivedVersion {
  /** Source of the champion that it was made from, and that it is taken back to. */
  readonly before: string
  /** Since when it decides; undefined: it does not yet. */
  readonly servedMs?: number
  /** When it was taken back; undefined: it was not. */
  readonly takenBackMs?: number
}

/** One episode over its whole life. Plain data: it follows from the journal. */
export interface Episode {
  /** The same for whoever computes it from the same trigger. */
  readonly id: string
  readonly model: string
  /** What decided when it began. */
  readonly champion: string
  readonly kind: TriggerKind
  readonly openedMs: number
  readonly status: EpisodeStatus
  /** Entries of the journal that changed it: who writes the next one has seen this many. */
  readonly steps: number
  /** When the present status began. */
  readonly sinceMs: number
  readonly why: string
  /** Looks that found the trigger, the first one included, and the last of them. */
  readonly looks: number
  readonly lastLook: string
  /** Since when decisions are of the changed kind; null where nothing changed. */
  readonly changedMs: number | null
  readonly wantsThreshold: boolean
  readonly wantsRecency: boolean
  /** Since when scores are of the changed kind; left out, as in episodes of before: since `changedMs`. */
  readonly movedMs?: number | null
  readonly threshold?: ThresholdProposal
  /** Why no threshold was proposed. */
  readonly thresholdKept?: string
  readonly adjusted?: AdjustedChampion
  /** With which status it goes on when the adjusted champion is taken back. */
  readonly returnTo?: EpisodeStatus
  /** What a held episode goes on with; null: with nothing. */
  readonly heldFrom: EpisodeStatus | null
  /** What somebody or the calendar asked for while it was held: it is trained for once data are whole. */
  readonly asked?: ScheduleFound | RequestFound
  /** Days whose data were broken, ascending. */
  readonly leftOutDays: readonly number[]
  /** When training began: what cooldown and budget count. */
  readonly trainingMs?: number
  readonly order?: TrainingOrder
  /** Failures in the present status. */
  readonly failures: number
  readonly challenger?: Challenger
  readonly comparison?: PairedComparison
  /** Source of the model that decided before the challenger did: a rollback goes to it. */
  readonly before?: string
}

/** A figure of a record: a number, a text, or nothing to tell. */
export type RecordFigure = number | string | boolean | null

/** Whether a champion with another threshold decides, or is about to. */
export const isAdjusted = ({ adjusted }: Pick<Episode, 'adjusted'>): boolean =>
  adjusted !== undefined && adjusted.takenBackMs === undefined

/** One step of an episode: what an auditor reads. */
export interface EpisodeRecord {
  readonly atMs: number
  /** A person, or `vigia`. */
  readonly by: string
  readonly episode: string
  /** Null: it begins. */
  readonly from: EpisodeStatus | null
  readonly to: EpisodeStatus
  readonly why: string
  /** The look that it follows from. */
  readonly look?: string
  /** Folder of the training run that it is about. */
  readonly run?: string
  readonly figures?: Readonly<Record<string, RecordFigure>>
}
