import { describe, expect, it } from 'vitest'
import { FIGURES } from '../evaluation/figures.ts'
import { type ConfigInput, loadServingConfig, loadTrainingConfig } from './config-manager.ts'
import { variableOf } from './overrides.ts'

/** Nothing is given but what a test gives. */
const input = (given: Partial<ConfigInput>): ConfigInput => ({
  environment: {},
  assignments: [],
  workingDirectory: '.',
  ...given,
})

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig(input({ assignments })).settings

/** A file with one setting. */
const fileWith = (path: readonly string[], value: number) => ({
  name: 'old.yaml',
  directory: '.',
  text: path.reduceRight<string>((inner, key) => `{ ${key}: ${inner} }`, String(value)),
})

describe('settings that name figures', () => {
  it('know each of them, as choice and as gate', () => {
    for (const { name } of FIGURES) {
      const { evaluation } = settingsWith(
        `evaluation.choose_by=${name}`,
        `evaluation.gates.${name}=0.5`,
        `evaluation.gates.worse_than_production.${name}=0.25`,
      )
      expect(evaluation.choose_by).toBe(name)
      expect(evaluation.gates[name]).toBe(0.5)
      expect(evaluation.gates.worse_than_production[name]).toBe(0.25)
    }
  })

  it('bound a figure by its range, and only where it has an end', () => {
    expect(() => settingsWith('evaluation.gates.recall=1.5')).toThrow('a number from 0 to 1, or null')
    expect(settingsWith('evaluation.gates.log_loss=1.5').evaluation.gates.log_loss).toBe(1.5)
  })

  it.each(['search.scoring', 'evaluation.choose_by'])(
    '%s tells what a renamed figure is called now',
    (path) =>
      expect(() => settingsWith(`${path}=precision_at_k`)).toThrow(
        'got the text "precision_at_k". precision_at_k is called daily_precision now.',
      ),
  )

  it.each([
    'evaluation.gates',
    'evaluation.gates.worse_than_production',
    'promotion.minimum',
    'promotion.regression',
  ])('%s tells what a renamed figure is called now, wherever it is set', (group) => {
    expect(() => settingsWith(`${group}.precision_at_k=0.5`)).toThrow(
      `"${group}.precision_at_k" is no setting. It is called ${group}.daily_precision now.`,
    )
    const path = group.split('.')
    const environment = { [variableOf([...path, 'precision_at_k'])]: '0.5' }
    expect(() => loadTrainingConfig(input({ environment }))).toThrow(
      `names no setting. It is called ${variableOf([...path, 'daily_precision'])} now.`,
    )
    const file = fileWith([...path, 'precision_at_k'], 0.5)
    expect(() => loadTrainingConfig(input({ file }))).toThrow('precision_at_k is called daily_precision now.')
  })

  it('that are called as members of every object are unknown, and were never renamed', () => {
    const load = () =>
      loadTrainingConfig(input({ file: fileWith(['evaluation', 'gates', 'constructor'], 1) }))
    expect(load).toThrow('unknown setting')
    expect(load).not.toThrow('is called')
  })

  it('a variable of the other file is told its new name too', () =>
    expect(() =>
      loadServingConfig(input({ environment: { VIGIA_EVALUATION__GATES__PRECISION_AT_K: '0.5' } })),
    ).toThrow('It is called VIGIA_EVALUATION__GATES__DAILY_PRECISION now.'))

  it('search.scoring takes no figure that is best at a threshold which says nothing', () =>
    expect(() => settingsWith('search.scoring=recall')).toThrow(
      'search.scoring: allowed: one of roc_auc, average_precision, f1',
    ))
})
