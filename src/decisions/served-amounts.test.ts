import { describe, expect, test } from 'vitest'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { readRequest } from '../transaction/read-request.ts'
import { testModel } from './inference.test-kit.ts'
import type { LoadedModel } from './loaded-model.ts'
import { shapeOf } from './served-shape.ts'

describe('amounts are read by the rules that the served model was trained with', () => {
  test('a model from before there were rules takes amounts above 0 and no others', () => {
    const shape = shapeOf([modelOf()])
    expect(shape.amounts).toEqual(AMOUNTS_ABOVE_ZERO)
    for (const amount of [0, -5])
      expect(() => readRequest({ ...PAYMENT, amount }, shape)).toThrow('amount is')
    expect(readRequest({ ...PAYMENT, amount: '1.00E+07' }, shape).amountMinor).toBe(1_000_000_000)
  })

  test('its own rules travel with a model', () => {
    const yen = { ...DEFAULT_AMOUNTS, currency: 'JPY', decimals: 0 }
    const shape = shapeOf([modelOf(yen), modelOf(yen)])
    expect(shape.amounts).toEqual(yen)
    expect(readRequest({ ...PAYMENT, amount: -1200 }, shape).amountMinor).toBe(-1200)
    expect(() => readRequest({ ...PAYMENT, amount: 0.5 }, shape)).toThrow('amount has decimals')
  })

  test('a base currency is of what features see: requests are read as they are sent', () => {
    const base = { currency: 'EUR', rate: 'eur', decimals: 2, largestMinor: 99_999_999_999 }
    const several = { ...DEFAULT_AMOUNTS, decimals: 4, base }
    const model = modelOf(several)
    expect(shapeOf([model, modelOf(several)]).amounts).toEqual(several)
    expect(model.settings.options.amounts).toEqual({ ...DEFAULT_AMOUNTS, currency: 'EUR' })
    expect(() => shapeOf([model, modelOf({ ...several, base: { ...base, currency: 'USD' } })])).toThrow(
      expect.objectContaining({ code: 'SERVING_AMOUNTS_DIFFER' }),
    )
  })

  test('models side by side that read amounts by other rules are refused', () => {
    expect(() => shapeOf([modelOf(DEFAULT_AMOUNTS), modelOf({ ...DEFAULT_AMOUNTS, decimals: 3 })])).toThrow(
      expect.objectContaining({ code: 'SERVING_AMOUNTS_DIFFER' }),
    )
  })
})

const PAYMENT = { transaction_id: 't', user_id: 'ada', timestamp: '2026-03-01T10:00:00Z', amount: 1 }

/** A model as its manifest says it, with or without rules of amounts. */
const modelOf = (amounts?: AmountRules): LoadedModel => {
  const model = testModel()
  const { features, labels } = model.artifact.manifest.featureSettings
  const said = { features, labels, ...(amounts !== undefined && { amounts }) }
  return { ...model, settings: featureSettingsOfModel(said, model.fitted) }
}
