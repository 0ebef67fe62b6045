import type { PartEvaluation } from './evaluate.ts'

/** Best ROC-AUC that is believed without a word: fraud that is this easy to see is seldom left undone. */
const BELIEVABLE_ROC_AUC = 0.999

/** What to say of a model that is too good on rows it has not seen; nothing of others. */
export const suspicionOfLeak = ({ rocAuc }: Pick<PartEvaluation, 'rocAuc'>): readonly string[] =>
  rocAuc !== null && rocAuc > BELIEVABLE_ROC_AUC
    ? [
        `Suspicion of a leak: on test, ROC-AUC is ${rocAuc.toFixed(5)}, above ${BELIEVABLE_ROC_AUC}. Ask of the features that weigh most whether they are known when the transaction happens, and look for columns.leak in the validation report.`,
      ]
    : []
