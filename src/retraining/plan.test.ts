import { describe, expect, test } from 'vitest'
import { planFor } from './plan.ts'
import { CONCEPT, dayMs, FAULT, SHIFT } from './retraining.test-kit.ts'

const RULES = { leastSeverity: 'severe' } as const
const STILL = { ...SHIFT, movedScores: false } as const

describe('what is done about a finding', () => {
  test('nothing was found: nothing', () => {
    expect(planFor([], RULES)).toEqual({ action: 'nothing', why: 'nothing was found' })
  })

  test('a data fault is held, whatever else was found', () => {
    for (const others of [[], [SHIFT], [CONCEPT], [CONCEPT, SHIFT]])
      for (const findings of [
        [FAULT, ...others],
        [...others, FAULT],
      ])
        expect(planFor(findings, RULES)).toMatchObject({
          action: 'hold',
          faults: ['unit of amount'],
          days: [2],
        })
  })

  test('a shift that moves scores: a threshold at once, and recent rows', () => {
    expect(planFor([SHIFT], RULES)).toMatchObject({
      action: 'retrain',
      kind: 'covariate_shift',
      sinceMs: dayMs(0),
      wantsThreshold: true,
      wantsRecency: true,
    })
  })

  test('a shift that moves no score: nothing', () => {
    expect(planFor([STILL], RULES)).toMatchObject({ action: 'nothing' })
    expect(planFor([STILL], RULES).why).toContain('no score moved')
  })

  test('concept drift: recent rows, and a threshold only where scores moved too', () => {
    expect(planFor([CONCEPT], RULES)).toMatchObject({
      action: 'retrain',
      kind: 'concept_drift',
      wantsThreshold: false,
      wantsRecency: true,
    })
    expect(planFor([SHIFT, CONCEPT], RULES)).toMatchObject({ kind: 'concept_drift', wantsThreshold: true })
    expect(planFor([STILL, CONCEPT], RULES)).toMatchObject({ wantsThreshold: false })
  })

  test('what is less grave than asked for is told by alerts alone', () => {
    const mild = { ...SHIFT, severity: 'moderate' } as const
    expect(planFor([mild], RULES)).toMatchObject({ action: 'nothing' })
    expect(planFor([mild], { leastSeverity: 'moderate' })).toMatchObject({ action: 'retrain' })
    expect(planFor([SHIFT], { leastSeverity: 'critical' })).toMatchObject({ action: 'retrain' })
    expect(planFor([CONCEPT], { leastSeverity: 'critical' })).toMatchObject({ action: 'nothing' })
  })

  test('the calendar trains plainly, and gives way to what was found', () => {
    const due = { kind: 'schedule', dueMs: dayMs(3) } as const
    expect(planFor([due], RULES)).toMatchObject({
      action: 'retrain',
      kind: 'schedule',
      sinceMs: null,
      wantsThreshold: false,
      wantsRecency: false,
      triggerId: '2026-01-04T00:00:00.000Z',
    })
    expect(planFor([due, CONCEPT], RULES)).toMatchObject({ kind: 'concept_drift' })
    expect(planFor([due, FAULT], RULES)).toMatchObject({ action: 'hold' })
  })

  test('what a person asks for goes before the calendar, under its own id', () => {
    const asked = { kind: 'request', id: 'r1', by: 'ana', why: 'a new product', sinceMs: null } as const
    const due = { kind: 'schedule', dueMs: dayMs(3) } as const
    expect(planFor([due, asked], RULES)).toMatchObject({
      kind: 'request',
      why: 'ana asks for it: a new product',
      triggerId: 'r1',
    })
  })
})
