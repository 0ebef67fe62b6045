import { readPendingLabels } from '../artifacts/pending-labels.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { DueLabel } from '../decisions/owned/due-labels.ts'

/** A label that training still waited for, without its place. */
export type PendingDueLabel = Pick<DueLabel, 'dueMs' | 'label'>

/** The labels that were not due when a history ended, in their order, and where its clock was. */
export const pendingLabelsOf = (
  folder: string,
  { settings }: LoadedModel,
): { readonly clockMs: number; readonly labels: Iterable<PendingDueLabel> } => {
  const { clockMs, labels } = readPendingLabels(
    folder,
    settings.options.entities.map(({ name }) => name),
  )
  return { clockMs, labels: dueLabelsOf(labels) }
}

function* dueLabelsOf(labels: ReturnType<typeof readPendingLabels>['labels']): Generator<PendingDueLabel> {
  for (const { transactionToken, eventTimeMs, isFraud, known, dueMs, tokens } of labels) {
    const label = {
      transactionId: '',
      transactionToken,
      eventTimeMs,
      isFraud,
      ...(known !== undefined && { known }),
      own: tokens,
      origin: 'history',
    } as const
    yield { dueMs, label }
  }
}
