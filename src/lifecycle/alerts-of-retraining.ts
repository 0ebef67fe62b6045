import type { Look } from '../alerts/take-look.ts'
import type { RetrainingBook } from '../retraining/retraining-book.ts'
import { standingFindings } from '../retraining/standing-findings.ts'

/** Kind of the alerts on a retraining that did not end well, and the name of who looks. */
const RETRAINING = 'retraining'

/**
 * What stands of retraining, as a look that alerts take in.
 *
 * @param everyMs the next such look is due at the latest so long from now
 */
export const alertsOfRetraining = (
  book: RetrainingBook,
  model: string,
  { nowMs, everyMs }: { readonly nowMs: number; readonly everyMs: number },
): Look => ({
  id: `${RETRAINING} ${new Date(nowMs).toISOString()}`,
  model,
  monitor: RETRAINING,
  everyMs,
  kinds: [RETRAINING],
  findings: standingFindings(book, model),
})
