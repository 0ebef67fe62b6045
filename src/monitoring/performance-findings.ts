import type { Finding } from '../alerts/alert-state.ts'
import type { MonitorReport } from './monitor-report.ts'

/** Kind of the alerts on how good decisions are. */
export const PERFORMANCE = 'performance'

/**
 * What a look says of the performance, as alerts take it: one finding for all decisions and one for each
 * segment that is tested, those of which nothing was found too. Empty where nothing could be tested.
 */
export const performanceFindings = ({
  performance,
}: Pick<MonitorReport, 'performance'>): readonly Finding[] =>
  (performance?.watches ?? [])
    .filter(({ status }) => status !== 'short')
    .map(({ segment, severity, reasons }) => ({
      kind: PERFORMANCE,
      segment,
      severity,
      summary: reasons[0] ?? '',
      details: [
        ...reasons.slice(1),
        ...(reasons.length === 0
          ? []
          : [
              `Labels known before ${performance!.asOf}. Look at these alerts first: what is fraud has changed, or what is flagged has.`,
            ]),
      ],
    }))
