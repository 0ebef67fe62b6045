import type { LabelsSettings } from '../config/sections/labels.ts'
import { parseDuration } from '../foundation/duration.ts'

/**
 * The label of a row as the end of the data knows it, as SQL over the prepared columns of `source`: 1 fraud,
 * 0 genuine, NULL unknown. By `genuine_after_delay` one of which nobody told anything is genuine when the
 * delay has passed by the latest transaction.
 */
export const knownLabelSql = ({ unlabelled, delay }: LabelsSettings, source: string): string =>
  unlabelled === 'genuine_after_delay'
    ? `coalesce(is_fraud, CASE WHEN ${isDelayOver(delay, source)} THEN 0 END)`
    : 'is_fraud'

/**
 * The label by which a row belongs to a part: as `knownLabelSql` has it, but NULL by `genuine_after_delay`
 * where the delay has not passed by the latest transaction. There the frauds alone are known: parts with them
 * would have too many frauds, and a model measured on them would look better than it is.
 */
export const judgedLabelSql = ({ unlabelled, delay }: LabelsSettings, source: string): string =>
  unlabelled === 'genuine_after_delay'
    ? `CASE WHEN ${isDelayOver(delay, source)} THEN coalesce(is_fraud, 0) END`
    : 'is_fraud'

const isDelayOver = (delay: string, source: string): string =>
  `event_time_ms + ${parseDuration(delay)} <= (SELECT max(event_time_ms) FROM ${source})`
