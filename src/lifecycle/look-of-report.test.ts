import { describe, expect, test } from 'vitest'
import type { DriftLook } from '../drift/drift-look.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import type { MonitorReport } from '../monitoring/monitor-report.ts'
import type { PerformanceSection } from '../monitoring/performance-section.ts'
import type { DataFault } from '../quality/data-fault.ts'
import { lookOfReport } from './look-of-report.ts'

const DAY = 20_000
const UNIT = { kind: 'unit', field: 'amount', effect: 100, blocksRetraining: true } as unknown as DataFault
const SURGE = {
  kind: 'volume_surge',
  field: null,
  effect: 2,
  blocksRetraining: false,
} as unknown as DataFault

const chartOf = (series: string) => ({ series, isBeyond: true, z: 9, limit: 4 })
const QUIET = { severity: 'none', chart: null }

const lookAt = (more: object = {}): DriftLook & { readonly date: string } =>
  ({
    day: DAY,
    date: dateOf(DAY),
    isRaised: true,
    severity: 'critical',
    features: [],
    segments: [],
    score: QUIET,
    ...more,
  }) as never

const alarm = {
  segment: '',
  isAlarm: true,
  severity: 'severe',
  rates: [
    {
      name: 'precision',
      weight: 1,
      evidence: 900,
      cusum: 2,
      days: [
        { date: dateOf(DAY - 4), cusum: 0.1 },
        { date: dateOf(DAY - 3), cusum: 0.9 },
        { date: dateOf(DAY - 2), cusum: 2 },
      ],
    },
  ],
}

const reportOf = ({
  look = lookAt({ isRaised: false }),
  faults = [],
  basis = 'judged',
  blockedDays = [],
  performance = null,
}: {
  readonly look?: DriftLook & { readonly date: string }
  readonly faults?: readonly DataFault[]
  readonly basis?: 'judged' | 'short'
  readonly blockedDays?: readonly string[]
  readonly performance?: PerformanceSection | null
} = {}): MonitorReport =>
  ({
    model: { name: 'fraud', version: '3', sha256: 'ab'.repeat(32), threshold: 0.5 },
    looks: [look],
    performance,
    quality: { basis, days: [{ date: dateOf(DAY), faults }], blockedDays },
  }) as never

const watchedBy = (model: string): PerformanceSection =>
  ({ watched: { model, since: dateOf(DAY - 60) }, watches: [alarm] }) as never

const kindsOf = (report: MonitorReport) => lookOfReport(report).findings.map(({ kind }) => kind)

describe('a report says to retraining', () => {
  test('nothing where nothing was found, by the day and the model', () => {
    expect(lookOfReport(reportOf())).toEqual({
      id: `daily ${dateOf(DAY)}`,
      champion: 'ab'.repeat(8),
      findings: [],
      brokenDays: [],
    })
  })

  test('which faults of the data hold it, and which days are broken', () => {
    const { findings, brokenDays } = lookOfReport(
      reportOf({ faults: [UNIT, SURGE], blockedDays: [dateOf(DAY - 9), dateOf(DAY)] }),
    )
    expect(findings).toEqual([{ kind: 'data_fault', faults: ['unit of amount'], days: [DAY] }])
    expect(brokenDays).toEqual([DAY - 9, DAY])
    expect(kindsOf(reportOf({ faults: [SURGE] }))).toEqual([])
  })

  test('that scores have moved', () => {
    const look = lookAt({ score: { severity: 'critical', chart: chartOf('mean') } })
    expect(lookOfReport(reportOf({ look })).findings).toEqual([
      {
        kind: 'covariate_shift',
        severity: 'critical',
        movedScores: true,
        sinceMs: DAY * DAY_MS,
        what: 'scores',
      },
    ])
  })

  test('the feed is judged by its data, and by features only where their history is too short', () => {
    const lost = { feature: 'device', severity: 'critical', chart: chartOf('share of missing values') }
    const look = lookAt({ features: [lost] })
    expect(kindsOf(reportOf({ look }))).toEqual([])
    expect(kindsOf(reportOf({ look, basis: 'short' }))).toEqual(['data_fault'])
  })

  test('that fraud has changed, since the day after the last calm one', () => {
    expect(lookOfReport(reportOf({ performance: watchedBy('fraud 3') })).findings).toEqual([
      {
        kind: 'concept_drift',
        severity: 'severe',
        sinceMs: (DAY - 3) * DAY_MS,
        what: 'precision',
      },
    ])
  })

  test('nothing of the decisions of the model before, which are still the most', () => {
    expect(kindsOf(reportOf({ performance: watchedBy('fraud 2') }))).toEqual([])
  })
})
