import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { layoutFolder, readLogLayouts, writeLogLayouts } from '../decisions/log/log-layouts.ts'
import { listSnapshots, removeSnapshot, usable } from '../decisions/log/state-snapshots.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import { takeSnapshot } from '../keeping/take-snapshot.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { LayoutStates } from './layout-states.ts'

export interface LayoutSnapshotsParts {
  readonly log: PredictionLog
  /** Of the log. */
  readonly folder: string
  readonly observer: InferenceObserver
  readonly world: Pick<World, 'now'>
}

/** Snapshots of a layout that stay beside those with which its states began. */
const KEPT = 2

/**
 * Snapshots of states that follow, beside the log: those with which they began, and some later ones, so that
 * a replay (`vigia parity`) has them where it begins.
 */
export class LayoutSnapshots {
  private readonly parts: LayoutSnapshotsParts
  private isBranched = false

  constructor(parts: LayoutSnapshotsParts) {
    this.parts = parts
  }

  /** Whether states of other layouts than the first ones have ever followed the log. */
  get hasBranched(): boolean {
    return this.isBranched
  }

  /**
   * Says beside the log where states began, once: first the snapshot, then the document that names it.
   * Nothing may be taken in before.
   *
   * @param isOver asked while the snapshot is written: true gives it up, with SERVING_CLOSING
   */
  async begin(states: LayoutStates, isOver: () => boolean = () => false): Promise<void> {
    const { log, folder } = this.parts
    const { layoutKey, founder, branchedAfter: after } = states.branch.identity
    if (after === undefined) return
    this.isBranched = true
    const known = await readLogLayouts(log)
    const isSaid = known?.begun.some((one) => one.layoutKey === layoutKey && one.after === after)
    if (isSaid === true) return
    await this.write(states, isOver, true)
    if (isOver()) throw new VigiaError('SERVING_CLOSING', {})
    const found = usable(await listSnapshots(layoutFolder(folder, layoutKey)))
    if (!found.some(({ manifest }) => manifest.sequence === after))
      throw new VigiaError('SERVING_BRANCH_FAILED', {
        layout: states.name,
        reason: `there is no snapshot of record ${after}, with which they began`,
      })
    const begun = [...(known?.begun ?? []), { layoutKey, founder, after }]
    await writeLogLayouts(log, { ...known, begun })
  }

  /** Says beside the log whose states it began with, once. */
  async beginFirst({ branch: { identity } }: LayoutStates): Promise<void> {
    const { layoutKey, founder } = identity
    const known = await readLogLayouts(this.parts.log)
    if ((known?.begun.length ?? 0) > 0) this.isBranched = true
    if (known?.first !== undefined) return
    await writeLogLayouts(this.parts.log, { first: { layoutKey, founder }, begun: known?.begun ?? [] })
  }

  /** Takes one, and removes those that nobody needs any more. */
  async take(states: LayoutStates, isOver: () => boolean): Promise<void> {
    await this.write(states, isOver)
    const { layoutKey } = states.branch.identity
    const begun = (await readLogLayouts(this.parts.log))?.begun ?? []
    const first = new Set(begun.filter((one) => one.layoutKey === layoutKey).map(({ after }) => after))
    const later = usable(await listSnapshots(layoutFolder(this.parts.folder, layoutKey))).filter(
      ({ manifest }) => !first.has(manifest.sequence),
    )
    for (const snapshot of later.slice(0, -KEPT)) await removeSnapshot(snapshot)
  }

  /** Whether there is one of this record or a later one. */
  async hasFrom(states: LayoutStates, sequence: number): Promise<boolean> {
    const { layoutKey } = states.branch.identity
    const found = usable(await listSnapshots(layoutFolder(this.parts.folder, layoutKey)))
    return found.some(({ manifest }) => manifest.sequence >= sequence)
  }

  private async write(states: LayoutStates, isOver: () => boolean, isFirst = false): Promise<void> {
    const { log, folder, observer, world } = this.parts
    const { branch, decider, layout } = states
    await takeSnapshot({
      store: branch.store,
      identity: branch.identity,
      folder: layoutFolder(folder, branch.identity.layoutKey),
      log,
      decider,
      layout,
      observer,
      nowMs: world.now(),
      isOver,
      isFirst,
    })
  }
}
