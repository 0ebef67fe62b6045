import { worstOf } from '../drift/severity.ts'
import { firstNames } from '../foundation/first-names.ts'
import { beyondLimit } from './advice.ts'
import { atMost } from './at-most.ts'
import type { Findings } from './find-in.ts'
import type { MonitorReport } from './monitor-report.ts'

const MOST_NAMED = 3
const MOST_TOLD = 5

/** Features that have changed, all of them as one alert of the kind `drift`. */
export const findDrift = ({ looks, advice }: MonitorReport): Findings => {
  const look = looks.at(-1)!
  if (look.basis === 'effects only') return { kinds: [], findings: [] }
  const kinds = ['drift']
  const changed = beyondLimit(look)
  const severity = atMost(worstOf(changed.map((feature) => feature.severity)), look.severity)
  if (severity === 'none') return { kinds, findings: [] }
  const names = changed.map(({ feature }) => feature)
  const told = changed
    .slice(0, MOST_TOLD)
    .map((feature) => `${feature.feature}: ${feature.direction} (${feature.severity}).`)
  const summary = `${changed.length} of ${look.features.length} features changed on ${look.date}: ${firstNames(names, MOST_NAMED)}`
  const details = [
    ...told,
    ...(changed.length > MOST_TOLD ? [`${changed.length - MOST_TOLD} more are beyond the limit.`] : []),
    ...advice,
  ]
  return { kinds, findings: [{ kind: 'drift', segment: '', severity, summary, details }] }
}
