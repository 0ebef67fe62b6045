import { describe, expect, it } from 'vitest'
import type { FeatureDrift, ScoreDrift } from '../drift/drift-look.ts'
import type { DriftSeverity } from '../drift/severity.ts'
import { findingsOf, lookOf } from './findings.ts'
import { figuresOf } from './look-figures.ts'
import type { MonitorReport } from './monitor-report.ts'
import { performanceFindings } from './performance-findings.ts'
import type { PerformanceSection, WatchSection } from './performance-section.ts'
import { unjudgedQuality } from './quality-section.ts'

describe('what a look says to the alerts', () => {
  it('is one finding for all changed features, by the gravest, the furthest named first, and what to do', () => {
    const report = reportWith({
      severity: 'severe',
      features: [
        featureWith('amount', 'moderate', 5),
        featureWith('device_type_code', 'severe', -9),
        featureWith('hour', 'none', 1, false),
        featureWith('mcc', 'moderate', 4.5),
        featureWith('country', 'moderate', 4.2),
      ],
    })
    const { kinds, findings } = findingsOf(report)
    expect(kinds).toEqual(['drift', 'score_drift'])
    expect(findings).toEqual([
      {
        kind: 'drift',
        segment: '',
        severity: 'severe',
        summary: '4 of 5 features changed on 2026-11-30: device_type_code, amount, mcc and 1 more',
        details: [
          'device_type_code: falls (severe).',
          'amount: rises (moderate).',
          'mcc: rises (moderate).',
          'country: rises (moderate).',
          'Look at the feed first.',
        ],
      },
    ])
  })

  it('tells of many features the first and the number of the others', () => {
    const features = Array.from({ length: 12 }, (_, n) => featureWith(`f${n}`, 'moderate', 20 - n))
    const [finding] = findingsOf(reportWith({ severity: 'moderate', features })).findings
    expect(finding!.details).toHaveLength(7)
    expect(finding!.details![5]).toBe('7 more are beyond the limit.')
  })

  it('is never graver than the look, which waits to be sure of severe', () => {
    const report = reportWith({
      severity: 'moderate',
      features: [featureWith('amount', 'severe', 9)],
      score: scoreWith(undefined, 'severe', 9),
    })
    expect(findingsOf(report).findings.map(({ kind, severity }) => [kind, severity])).toEqual([
      ['drift', 'moderate'],
      ['score_drift', 'moderate'],
    ])
  })

  it('is one alert for scores that moved in all rows: segments that moved with them are named in it', () => {
    const report = reportWith({
      severity: 'critical',
      score: scoreWith(undefined, 'severe', 12),
      segments: [
        scoreWith('withdrawal', 'critical', 8),
        scoreWith('payment', 'moderate', 5),
        scoreWith('transfer', 'none', 1, false),
      ],
    })
    expect(findingsOf(report).findings).toEqual([
      {
        kind: 'score_drift',
        segment: '',
        severity: 'critical',
        summary: 'Scores moved on 2026-11-30: 3.00 % of 900 rows are alerts, where 1.00 % is usual',
        details: [
          'rises (12.0, limit 4.0).',
          'With them those of withdrawal (critical): 3.00 % of 900 rows are alerts, where 1.00 % is usual.',
          'With them those of payment (moderate): 3.00 % of 900 rows are alerts, where 1.00 % is usual.',
          expect.stringContaining('analysts'),
        ],
      },
    ])
  })

  it('has a segment apart that all rows do not explain: they went the other way, or did not move', () => {
    const segmentsOf = (score: ScoreDrift) =>
      findingsOf(
        reportWith({
          severity: 'severe',
          score,
          segments: [scoreWith('withdrawal', 'severe', -8), scoreWith('payment', 'moderate', 5)],
        }),
      ).findings.map(({ segment, severity }) => [segment, severity])
    expect(segmentsOf(scoreWith(undefined, 'severe', 12))).toEqual([
      ['', 'severe'],
      ['withdrawal', 'severe'],
    ])
    expect(segmentsOf(scoreWith(undefined, 'none', 1, false))).toEqual([
      ['withdrawal', 'severe'],
      ['payment', 'moderate'],
    ])
  })

  it('is one alert for rates of all decisions: segments whose rates went with them are named in it', () => {
    const found = (...watches: readonly WatchSection[]) =>
      performanceFindings({ performance: { asOf: '2026-11-30', watches } as unknown as PerformanceSection })
    const [all, app, shop, desk] = [
      watchWith('', 'severe', { precision: 0.5 }),
      watchWith('app', 'critical', { precision: 0.4 }),
      watchWith('shop', 'moderate', { precision: 0.7, audit_rate: 2 }),
      watchWith('desk', 'none', {}),
    ] as const
    const told = (watches: readonly WatchSection[]) =>
      found(...watches).map(({ segment, severity }) => [segment, severity])
    expect(told([all, app, shop, desk])).toEqual([
      ['', 'critical'],
      ['app', 'none'],
      ['shop', 'moderate'],
      ['desk', 'none'],
    ])
    expect(found(all, app)[0]).toMatchObject({ summary: 'of all', details: ['of app', expect.anything()] })
    expect(told([watchWith('', 'none', {}), app])).toEqual([
      ['', 'none'],
      ['app', 'critical'],
    ])
    expect(told([watchWith('', 'moderate', { precision: 1.5 }), app])).toEqual([
      ['', 'moderate'],
      ['app', 'critical'],
    ])
  })

  it('is nothing where a change is real and small, but the kinds were looked at: that ends what fired', () => {
    const report = reportWith({ severity: 'none', features: [featureWith('amount', 'none', 6)] })
    expect(findingsOf(report)).toEqual({ kinds: ['drift', 'score_drift'], findings: [] })
  })

  it('is nothing at all without limits: it raises no alert, and ends none', () => {
    const report = reportWith({
      severity: 'none',
      basis: 'effects only',
      features: [featureWith('amount', 'none', 6)],
    })
    expect(findingsOf(report)).toEqual({ kinds: [], findings: [] })
  })

  it('is that of the latest of several looks', () => {
    const first = reportWith({ severity: 'severe', features: [featureWith('amount', 'severe', 9)] })
    const last = reportWith({ severity: 'none' })
    expect(findingsOf({ ...last, looks: [...first.looks, ...last.looks] }).findings).toEqual([])
  })

  it('may be found by others too: their kinds and findings stand beside', () => {
    const other = { kind: 'data_quality', segment: 'amount', severity: 'severe', summary: 'cents' } as const
    const found = findingsOf(reportWith({ severity: 'none' }), [
      () => ({ kinds: ['data_quality'], findings: [other] }),
      () => ({ kinds: ['data_quality', 'performance'], findings: [] }),
    ])
    expect(found).toEqual({ kinds: ['data_quality', 'performance'], findings: [other] })
  })
})

describe('a look', () => {
  it('is named by its day and model: who looks at the same day again is heard once', () => {
    const look = lookOf(reportWith({ severity: 'none' }), 86_400_000)
    expect(look).toEqual({
      id: '2026-11-30 abababababababab',
      model: 'fraud',
      monitor: 'daily',
      everyMs: 86_400_000,
      kinds: ['drift', 'score_drift'],
      findings: [],
    })
  })

  it('measures what metrics and the tracker tell; what is no number is null', () => {
    expect(figuresOf(reportWith({ severity: 'moderate', limit: Number.NaN }))).toEqual({
      model: 'fraud',
      version: '3',
      date: '2026-11-30',
      severity: 'moderate',
      statistic: 6.5,
      limit: null,
      changedFeatures: 0,
      rows: 1000,
      historyDays: 60,
      alertRate: 0.03,
      usualAlertRate: 0.01,
    })
  })
})

const chart = (z: number, isBeyond: boolean) =>
  ({ series: 'mean', z, chart: 'jump', limit: 4, isBeyond }) as const

const featureWith = (feature: string, severity: DriftSeverity, z: number, isBeyond = true): FeatureDrift =>
  ({
    feature,
    kind: 'numeric',
    chart: chart(z, isBeyond),
    severity,
    direction: z < 0 ? 'falls' : 'rises',
  }) as FeatureDrift

const scoreWith = (
  segment: string | undefined,
  severity: DriftSeverity,
  z: number,
  isBeyond = true,
): ScoreDrift =>
  ({
    segment,
    rows: 900,
    alertRate: 0.03,
    usualAlertRate: 0.01,
    chart: chart(z, isBeyond),
    severity,
    direction: 'rises',
  }) as ScoreDrift

/** @param recent of each rate that alarms: what it is of what is usual */
function watchWith(
  segment: string,
  severity: DriftSeverity,
  recent: Readonly<Record<string, number>>,
): WatchSection {
  const rates = Object.entries(recent).map(([name, of]) => ({
    name,
    recent: of,
    weight: 0.5,
    evidence: 1e6,
    cusum: 2,
    days: [{ evidence: 1e6 }],
  }))
  return {
    segment,
    status: 'watched',
    isAlarm: rates.length > 0,
    evidence: 0,
    limit: 400,
    severity,
    reasons: rates.length > 0 ? [`of ${segment === '' ? 'all' : segment}`] : [],
    rates: rates as unknown as WatchSection['rates'],
  }
}

function reportWith(look: Partial<MonitorReport['looks'][number]>): MonitorReport {
  const whole = {
    day: 20_787,
    date: '2026-11-30',
    rows: 1000,
    basis: 'chart',
    isRaised: look.severity !== 'none',
    statistic: 6.5,
    limit: 4,
    historyDays: 60,
    found: look.severity,
    reasons: [],
    features: [],
    score: scoreWith(undefined, 'none', 1, false),
    segments: [],
    ...look,
  } as unknown as MonitorReport['looks'][number]
  return {
    schema: 1,
    model: { name: 'fraud', version: '3', sha256: 'ab'.repeat(32), threshold: 0.5 },
    source: ['log'],
    rows: 1000,
    left: { tooOld: 0, unreadable: 0 },
    unfinished: null,
    days: [],
    looks: [whole],
    performance: null,
    quality: unjudgedQuality(),
    severity: whole.severity,
    changed: [],
    changedCount: whole.features.filter((feature) => feature.chart?.isBeyond === true).length,
    advice: ['Look at the feed first.'],
  }
}
