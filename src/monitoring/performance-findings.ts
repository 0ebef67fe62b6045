import type { Finding } from '../alerts/alert-state.ts'
import { worstOf } from '../drift/severity.ts'
import type { MonitorReport } from './monitor-report.ts'
import type { WatchSection } from './performance-section.ts'
import { alarmingOf } from './watch-segments.ts'

/** Kind of the alerts on how good decisions are. */
export const PERFORMANCE = 'performance'

/**
 * What a look says of the performance, as alerts take it: one finding for all decisions and one for each
 * segment that is tested, those of which nothing was found too. What all decisions explain, since the same
 * rates of them went the same way, is named in their finding and is none of the segment. Empty where nothing
 * could be tested.
 */
export const performanceFindings = ({
  performance,
}: Pick<MonitorReport, 'performance'>): readonly Finding[] => {
  const tested = (performance?.watches ?? []).filter(({ status }) => status !== 'short')
  const whole = tested.find(({ segment }) => segment === '')
  const explained = tested.filter((watch) => isExplained(watch, whole))
  return tested.map((watch) => {
    const { segment } = watch
    if (explained.includes(watch)) return { kind: PERFORMANCE, segment, severity: 'none', summary: '' }
    const within = watch === whole ? explained : []
    const reasons = [watch, ...within].flatMap((each) => each.reasons)
    return {
      kind: PERFORMANCE,
      segment,
      severity: worstOf([watch, ...within].map(({ severity }) => severity)),
      summary: reasons[0] ?? '',
      details: [
        ...reasons.slice(1),
        ...(reasons.length === 0
          ? []
          : [
              `Labels known before ${performance!.asOf}. Look at these alerts first: what is fraud has changed, or what is flagged has.`,
            ]),
      ],
    }
  })
}

const isExplained = (watch: WatchSection, whole: WatchSection | undefined): boolean => {
  if (whole === undefined || watch === whole || !watch.isAlarm || !whole.isAlarm) return false
  const ofWhole = new Set(wentOf(whole))
  return wentOf(watch).every((went) => ofWhole.has(went))
}

/** Rates that raised the alarm, with the way that each went. */
const wentOf = ({ rates, limit }: WatchSection): readonly string[] =>
  alarmingOf(rates, limit).map(({ name, recent }) => `${name} ${recent < 1 ? 'falls' : 'rises'}`)
