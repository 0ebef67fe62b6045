import { describe, expect, it } from 'vitest'
import { categoriesByName, type GivenNames, nameFeatures } from './name-features.ts'

const RUN = {
  folder: 'runs/bank',
  names: ['amount', 'hour'],
  features: ['amount', 'hour', 'user_tx_count_1h'].map((name) => ({ name })),
}

const named = (own: readonly string[], given?: GivenNames, isNamedByPlace = false) =>
  nameFeatures({ featureNames: own, isNamedByPlace }, 'model.json', RUN, given)

describe('the features of an imported model', () => {
  it('are those that it names, in its order', () => {
    expect(named(['user_tx_count_1h', 'amount'])).toEqual({
      featureNames: ['user_tx_count_1h', 'amount'],
      namesFrom: 'file',
    })
  })

  it("are those of the run's model where the file names none, if there are as many", () => {
    expect(named(['f0', 'f1'], undefined, true)).toEqual({ featureNames: RUN.names, namesFrom: 'run' })
    expect(() => named(['f0', 'f1', 'f2'], undefined, true)).toThrow(
      expect.objectContaining({ code: 'MODEL_FEATURE_COUNT_DIFFERS' }),
    )
  })

  it('are those that its owner says, by their names there or all in their order', () => {
    expect(named(['hour', 'amt'], { amt: 'amount' })).toEqual({
      featureNames: ['hour', 'amount'],
      namesFrom: 'given',
    })
    expect(named(['f0'], ['user_tx_count_1h'], true)).toEqual({
      featureNames: ['user_tx_count_1h'],
      namesFrom: 'given',
    })
  })

  it('are all told that the run does not compute, with the name that is meant where signs alone differ', () => {
    expect(() => named(['Amount', 'shoe_size', 'User Tx-Count 1h', 'hour'])).toThrow(
      'features that the run in runs/bank does not compute: Amount (is it amount?), shoe_size, User Tx-Count 1h (is it user_tx_count_1h?)',
    )
    expect(() => named(['amt'], { amt: 'amounts' })).toThrow('does not compute: amounts')
  })

  it.each<[string, readonly string[], GivenNames, string]>([
    ['names that the model has not', ['amount'], { amt: 'amount' }, 'the model has no feature amt'],
    ['a list of another length', ['f0', 'f1'], ['amount'], 'the list has 1 names, the model 2 features'],
    ['one name for two', ['amt', 'amount'], { amt: 'amount' }, 'two of its features would be amount'],
    ['one name twice', ['f0', 'f1'], ['hour', 'hour'], 'two of its features would be hour'],
  ])('refuses %s', (_, own, given, told) => {
    expect(() => named(own, given)).toThrow(told)
    expect(() => named(own, given)).toThrow(expect.objectContaining({ code: 'MODEL_NAMES_DIFFER' }))
  })
})

describe('categories by the names of the training frame', () => {
  it('are those of the features here', () => {
    const given = { shop: ['a', 'b'], channel_code: [1, 2] }
    expect(categoriesByName(given, ['shop', 'hour'], ['merchant_code', 'hour'])).toEqual({
      merchant_code: ['a', 'b'],
      channel_code: [1, 2],
    })
    expect(categoriesByName('values', ['shop'], ['merchant_code'])).toBe('values')
    expect(categoriesByName(undefined, ['shop'], ['merchant_code'])).toBeUndefined()
  })
})
