import type { InferenceObserver } from './inference-pipeline.ts'

/** An observer for work that answers nobody, or repeats what was told before: it hears of warnings alone. */
export const warningsOnly = (warned: InferenceObserver['warned']): InferenceObserver => ({
  predicted: () => undefined,
  shadowed: () => undefined,
  labelled: () => undefined,
  updated: () => undefined,
  mistimed: () => undefined,
  lookedUp: () => undefined,
  warned,
})
