import { rm } from 'node:fs/promises'
import { reachesThreshold } from '../decisions/control-sample.ts'
import type { ServedModelName } from '../decisions/decided.ts'
import { createShadowScorer, type ServingModels } from '../decisions/decider.ts'
import { foreignShadow } from '../decisions/foreign-shadow.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { shadowSegments, shadowsPath } from '../decisions/log/shadow-answers.ts'
import type { BeforeDecision } from '../decisions/owned/log-replay.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { ShadowWriter } from './shadow-writer.ts'

export interface LayoutShadowParts {
  /** Folder of the log. */
  readonly folder: string
  readonly log: Pick<PredictionLog, 'read'>
  readonly observer: Pick<InferenceObserver, 'shadowed'>
}

/**
 * A shadow of another layout than the champion's: states of its layout that follow the log hand it each
 * decision at its place, before they move, and what it says stands beside the log.
 *
 * Once states have a decision, nobody can compute what it was scored by any more. So
 *
 * 1. an answer is written before any state is saved that has its decision (`savedAfter`): a process that is
 *    killed either finds it there, or has the states of before;
 * 2. what is scored again after a kill has the same bits, and the first answer counts.
 *
 * A decision whose record has the answer of a shadow is not scored, nor one that the states know already from
 * the history that they began with: it was no new one to them.
 */
export class LayoutShadow {
  private readonly parts: LayoutShadowParts
  private readonly writer: ShadowWriter
  private model: LoadedModel | undefined
  private scoreOne: ReturnType<typeof createShadowScorer> | undefined
  /** Number of the last decision that was scored, inclusive: states that begin again count nothing twice. */
  private through = 0
  /** Layouts of the states that answers were given by which are not written yet. */
  private readonly unwritten = new Set<string>()

  constructor(parts: LayoutShadowParts) {
    this.parts = parts
    this.writer = new ShadowWriter(parts.folder)
  }

  /** From now on the shadow of these models is scored here, where it has another layout than the champion. */
  use(models: ServingModels): void {
    const next = foreignShadow(models)
    if (next?.key !== this.model?.key) this.scoreOne = next && createShadowScorer(next)
    this.model = next
  }

  get isUsed(): boolean {
    return this.model !== undefined
  }

  /** The shadow that states of this layout score; undefined: none. */
  of(layoutKey: string): ServedModelName | undefined {
    if (this.model?.layoutKey !== layoutKey) return undefined
    const { name, version } = this.model.description
    return { name, version }
  }

  /** What scores the decisions that states of this layout take in; undefined: no shadow has it. */
  listener(layoutKey: string): BeforeDecision | undefined {
    const { model, scoreOne } = this
    if (scoreOne === undefined || model?.layoutKey !== layoutKey) return undefined
    return ({ sequence, position }, decision, states) => {
      if (sequence <= this.through || decision.shadow !== undefined) return
      this.through = sequence
      const { probability, isFlagged } = scoreOne(decision.transaction, states)
      const { decidedAtMs } = decision
      if (!this.writer.isWaiting) this.unwritten.clear()
      this.unwritten.add(layoutKey)
      this.writer.add(position.segment, { sequence, decidedAtMs, model: model.key, probability, isFlagged })
      this.parts.observer.shadowed(model.description, probability, isFlagged, reachesThreshold(decision))
    }
  }

  /**
   * The store of states of this layout; it saves nothing before the answers are written which were given by
   * the states of before.
   */
  savedAfter(store: OwnedStateStore, layoutKey: string): OwnedStateStore {
    return {
      ...store,
      save: (...saved) =>
        this.writer.isWaiting && this.unwritten.has(layoutKey)
          ? this.writer.write().then(() => store.save(...saved))
          : store.save(...saved),
    }
  }

  /** Resolves when all answers so far are written. */
  write(): Promise<void> {
    return this.writer.write()
  }

  /**
   * Removes answers whose segments have left the log; a process was killed before it did. Where nobody can
   * read which there are, they stay: a shadow hinders no start.
   */
  async removeGone(): Promise<void> {
    const segments = await shadowSegments(this.parts.folder).catch(() => [])
    if (segments.length === 0) return
    for await (const { position } of this.parts.log.read(0)) {
      const gone = segments.filter((segment) => segment < position.segment.slice(0, segment.length))
      for (const segment of gone) await rm(shadowsPath(this.parts.folder, segment), { force: true })
      return
    }
  }
}
