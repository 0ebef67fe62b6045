import type { ControlSample } from './control-sample.ts'

/**
 * Who told a label: whoever looks at alerts, a customer (a chargeback, a call), or whoever finds out the
 * truth of the control sample.
 */
export const TOLD_ORIGINS = ['alert', 'customer', 'sample'] as const
export type ToldOrigin = (typeof TOLD_ORIGINS)[number]

/**
 * Where a label came from. `history`: training knew it, and it was not due when its data ended. `delay`:
 * nobody told anything within `labels.delay`, and `labels.unlabelled` takes such transactions for genuine.
 */
export type LabelOrigin = 'history' | 'delay' | ToldOrigin

/** Who told it; undefined where nobody did, or nobody knows who. */
export const toldOrigin = (origin: LabelOrigin | undefined): ToldOrigin | undefined =>
  origin === 'history' || origin === 'delay' ? undefined : origin

/** Whether somebody told a label: it was not known before, and the server did not give it by itself. */
export const isTold = ({ origin }: { readonly origin?: LabelOrigin | undefined }): boolean =>
  origin !== 'history' && origin !== 'delay'

/**
 * Who told a label that does not say so: of what was drawn, whoever finds out the truth of the control
 * sample; of what was flagged, whoever looks at alerts; of all else, the customer.
 */
export const toldBy = ({
  isFlagged,
  controlSample,
}: {
  readonly isFlagged: boolean
  readonly controlSample?: ControlSample | undefined
}): ToldOrigin => {
  if (controlSample !== undefined && controlSample.drawn !== 'not_drawn') return 'sample'
  return isFlagged ? 'alert' : 'customer'
}
