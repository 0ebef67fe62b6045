import type { Finding } from '../alerts/alert-state.ts'
import { faultInWords } from './fault-in-words.ts'
import type { MonitorReport } from './monitor-report.ts'

/** Kind of the alerts on broken data. */
export const DATA_QUALITY = 'data_quality'

/** A feed is one: its data have no segments. */
const ALL = ''

/**
 * What a look says of the data of its latest day, as alerts take it: one finding, also of nothing. Empty
 * where nothing could be judged.
 */
export const qualityFindings = ({ quality }: Pick<MonitorReport, 'quality'>): readonly Finding[] => {
  const latest = quality.days.at(-1)
  if (quality.basis === 'short' || latest === undefined) return []
  const [first, ...others] = latest.faults
  if (first === undefined) return [{ kind: DATA_QUALITY, segment: ALL, severity: 'none', summary: '' }]
  return [
    {
      kind: DATA_QUALITY,
      segment: ALL,
      severity: quality.severity,
      summary: `Data of ${latest.date}: ${faultInWords(first)}`,
      details: [
        ...others.map(faultInWords),
        ...latest.faults.map(({ whatToDo }) => whatToDo),
        ...(latest.blocksRetraining ? [`Do not retrain on ${quality.blockedDays.join(', ')}.`] : []),
      ],
    },
  ]
}
