import { describe, expect, it } from 'vitest'
import { FIGURES } from '../evaluation/figures.ts'
import { loadServingConfig, loadTrainingConfig } from './config-manager.ts'

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '.' }).settings

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
    const variableOf = (figure: string) => `VIGIA_${`${group}.${figure}`.toUpperCase().replaceAll('.', '__')}`
    expect(() =>
      loadTrainingConfig({
        environment: { [variableOf('precision_at_k')]: '0.5' },
        assignments: [],
        workingDirectory: '.',
      }),
    ).toThrow(`names no setting. It is called ${variableOf('daily_precision')} now.`)
    const [first, second] = group.split('.')
    const inner = `{ precision_at_k: 0.5 }`
    const text = `${first}: { ${second}: ${group.split('.').length === 2 ? inner : `{ worse_than_production: ${inner} }`} }`
    expect(() =>
      loadTrainingConfig({
        file: { name: 'old.yaml', directory: '.', text },
        environment: {},
        assignments: [],
        workingDirectory: '.',
      }),
    ).toThrow('precision_at_k is called daily_precision now.')
  })

  it('that are called as members of every object are unknown, and were never renamed', () => {
    const text = 'evaluation: { gates: { constructor: 1 } }'
    const load = () =>
      loadTrainingConfig({
        file: { name: 'a.yaml', directory: '.', text },
        environment: {},
        assignments: [],
        workingDirectory: '.',
      })
    expect(load).toThrow('unknown setting')
    expect(load).not.toThrow('is called')
  })

  it('a variable of the other file is told its new name too', () =>
    expect(() =>
      loadServingConfig({
        environment: { VIGIA_EVALUATION__GATES__PRECISION_AT_K: '0.5' },
        assignments: [],
        workingDirectory: '.',
      }),
    ).toThrow('It is called VIGIA_EVALUATION__GATES__DAILY_PRECISION now.'))

  it('search.scoring takes no figure that is best at a threshold which says nothing', () =>
    expect(() => settingsWith('search.scoring=recall')).toThrow(
      'search.scoring: allowed: one of roc_auc, average_precision, f1',
    ))
})
