import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { FeatureEngineer } from '../../features/feature-engineer.ts'
import type { DecisionEntry, LabelEntry } from '../log/log-record.ts'
import type { ModelDocument } from '../log/model-document.ts'
import type { StoreIdentity } from './store-identity.ts'

/**
 * How the states of one layout take in a log in which models of several layouts decided: every transaction
 * and label moves them, whoever decided.
 */
export interface LayoutOfStates {
  /**
   * The cleaning by which they take in what the model of `key` decided on: that model's own, or, where it has
   * another layout, that of the model which they were made for.
   */
  cleaningOf(key: string): Promise<FittedCleaning>
  /**
   * Whether a record that concerns states of one layout alone is about these.
   *
   * @param layoutKey as the record says it; absent: the states that the log began with
   */
  isOwn(layoutKey: string | undefined): boolean
  /** Whether a decision is in these states already, or must not be; left out: none is. */
  isLeftOut?(decision: DecisionEntry): boolean
}

/** @param modelOf the model of a log record's key */
export const layoutOfStates = (
  { layoutKey, founder, branchedAfter }: Pick<StoreIdentity, 'layoutKey' | 'founder' | 'branchedAfter'>,
  modelOf: (key: string) => Promise<ModelDocument>,
): LayoutOfStates => {
  const isOwn = (named: string | undefined): boolean =>
    named === undefined ? branchedAfter === undefined : named === layoutKey
  const known = new Map<string, FittedCleaning>()
  return {
    isOwn,
    cleaningOf: async (key) => {
      const cleaning = known.get(key)
      if (cleaning !== undefined) return cleaning
      const model = await modelOf(key)
      const cleaner = isOwn(model.layoutKey) ? model : await modelOf(founder ?? key)
      const found = (cleaner.fitted as { readonly cleaning: FittedCleaning }).cleaning
      known.set(key, found)
      return found
    },
  }
}

/**
 * Whether a label moves these states. One that the history of other states knew may not say whose it is among
 * the bank's own entities; these have it from their own history.
 */
export const isLabelOf = (
  { origin, layout }: LabelEntry,
  isOwn: LayoutOfStates['isOwn'],
  engineer: Pick<FeatureEngineer, 'kinds'>,
): boolean => origin !== 'history' || isOwn(layout) || !hasOwnKinds(engineer)

/** Whether there are states of entities of the bank's own. */
export const hasOwnKinds = ({ kinds }: Pick<FeatureEngineer, 'kinds'>): boolean =>
  !kinds.every((kind) => STANDARD.has(kind))

const STANDARD: ReadonlySet<string> = new Set(['user', 'merchant', 'device'])
