import type { PairedRows } from '../evaluation/paired-comparison.ts'
import type { DecidedRows } from '../performance/decided-rows.ts'
import type {
  AdjustedChampion,
  Challenger,
  DerivedVersion,
  Episode,
  ThresholdProposal,
  TrainingOrder,
} from './episode.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { ThresholdKept } from './threshold-to-budget.ts'

/** An episode whose challenger is there. */
export type TrainedEpisode = Episode & { readonly challenger: Challenger; readonly order: TrainingOrder }

/** An episode whose champion has another threshold. */
export type AdjustedEpisode = Episode & { readonly adjusted: AdjustedChampion }

/** An episode that has a threshold to give the champion. */
export type ProposedEpisode = Episode & { readonly threshold: ThresholdProposal }

/** What a champion with another threshold decided, and what the threshold before would have. */
export interface AdjustedTraffic {
  readonly decisions: number
  readonly alerts: number
  /** Of the same decisions, those that the threshold before would have flagged. */
  readonly alertsBefore: number
}

/** What gates say of a version. */
export interface GateAnswer {
  readonly isPassed: boolean
  /** Which were not passed, in words; else what was decided. */
  readonly why: string
}

/** What two models did, or would have done, with the same decisions. */
export interface ServedTraffic {
  readonly decisions: number
  /** Days that the decisions span, a fraction allowed. */
  readonly days: number
  /** Alerts that each raised, or would have raised, on them. */
  readonly championAlerts: number
  readonly challengerAlerts: number
  /** Those of them whose labels have matured, scored by both; undefined where there are none. */
  readonly pairs: PairedRows | undefined
}

/**
 * All that retraining does in the world, handed in: training, comparing, gates, registry.
 *
 * Each act may be asked for again after a crash, and does the same again or finds it done: a training goes on
 * in its run folder, a version that has the alias keeps it.
 */
export interface RetrainingWorks {
  /** Decisions from `fromMs` on with what is known of them at `asOfMs`. */
  decided(fromMs: number, asOfMs: number): Promise<DecidedRows>
  /** End of the rows that the champion has learnt from, validation included; null where nobody knows. */
  learntUntil(): Promise<number | null>
  /**
   * The threshold that meets the budget with the champion's scores of the latest whole days before `nowMs`
   * since they moved (`thresholdToBudget`), which needs no labels; on probabilities that are calibrated anew
   * where enough labels since then have matured.
   */
  proposeThreshold(
    episode: Episode,
    rules: RetrainingRules,
    nowMs: number,
  ): Promise<ThresholdProposal | ThresholdKept>
  /** Registers the champion with the threshold and calibration of the proposal; served by nobody yet. */
  derive(episode: ProposedEpisode, signal: AbortSignal): Promise<DerivedVersion>
  /** The alias `production` goes along where it names the champion that the version is derived from. */
  adopt(episode: AdjustedEpisode, signal: AbortSignal): Promise<void>
  /** Takes that back; without effect where the derived version has no alias. */
  restore(episode: AdjustedEpisode): Promise<void>
  /** What the derived version decided in [fromMs, toMs). */
  adjustedTraffic(
    episode: AdjustedEpisode & ProposedEpisode,
    fromMs: number,
    toMs: number,
  ): Promise<AdjustedTraffic>
  /** Trains a challenger with the champion's settings, on the rows of the order, and registers it. */
  train(episode: Episode & { readonly order: TrainingOrder }, signal: AbortSignal): Promise<Challenger>
  /** Champion and challenger on the rows of the order that neither has learnt from. */
  score(episode: TrainedEpisode, signal: AbortSignal): Promise<PairedRows>
  /** The gates of promotion, before the challenger decides for anybody. */
  passGates(episode: TrainedEpisode, signal: AbortSignal): Promise<GateAnswer>
  /** Gates again, and the alias `production`. */
  promote(episode: TrainedEpisode, signal: AbortSignal): Promise<GateAnswer>
  /** Takes a promotion back; without effect where the challenger has no alias. */
  rollBack(episode: TrainedEpisode): Promise<void>
  /** What was served in [fromMs, toMs), as far as both models scored it. */
  traffic(episode: TrainedEpisode, fromMs: number, toMs: number): Promise<ServedTraffic>
}

/** Sources of the models in service; of registered ones by version, since an alias may move. */
export interface ServedSourcesNow {
  readonly champion: string
  readonly shadow: string | null
  /** The share is null where the server does not tell it. */
  readonly canary: { readonly source: string; readonly share: number | null } | null
}

/** Which models a server serves: its administration, as far as retraining uses it. */
export interface ServingControl {
  serving(): Promise<ServedSourcesNow>
  switchTo(source: string): Promise<void>
  setShadow(source: string | null): Promise<void>
  setCanary(source: string | null, share: number): Promise<void>
}
