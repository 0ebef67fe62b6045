import { beforeAll, describe, expect, it } from 'vitest'
import golden from '../golden/second-bank-models.json' with { type: 'json' }
import { judgeWeeks, mean, readWeeks, settingsOf, type Week, type WeekFigures } from '../second-bank-weeks.ts'

const CONFIG = 'examples/second-bank/training_config.yaml'

/**
 * Law: our models are as good as scikit-learn's and XGBoost's: the handbook's 15 features and
 * protocol on weeks of second-bank, against figures that test/reference/second-bank-models.py recorded
 * with its own implementation of the features.
 *
 * What may differ: a forest draws its rows and features at random, and XGBoost's and our trees differ where a
 * cut falls in a bin. On one week that moves average precision by several thousandths either way (the
 * recorded forests differ by .001 to .007 from seed to seed), so the promise, .005, is held by the mean over
 * five weeks, and each week is held to four times that.
 *
 * @param weeks how many of the five recorded weeks: the mean is only held where it is of all
 */
export const modelsMatchPeers = ({ weeks: count }: { readonly weeks: number }): void => {
  let weeks: readonly Week[]
  beforeAll(async () => {
    weeks = await readWeeks(CONFIG, count)
  })

  describe.each([
    ['logistic_regression', 'logistic_regression', { c: 1 }, 1],
    ['random_forest', 'random_forest', { trees: 100, max_depth: 0 }, 1],
    ['random_forest', 'random_forest_depth_20', { trees: 100, max_depth: 20 }, 1],
    [
      'gradient_boosting',
      'xgboost_exact_eta_0.1_depth_3',
      { trees: 100, learning_rate: 0.1, max_depth: 3 },
      1,
    ],
    [
      'gradient_boosting',
      'xgboost_exact_eta_0.3_depth_6',
      { trees: 100, learning_rate: 0.3, max_depth: 6 },
      1,
    ],
  ] as const)('%s against %s', (name, reference, changes, seeds) => {
    let own: readonly WeekFigures[]
    beforeAll(async () => {
      own = await judgeWeeks(weeks, name, { ...settingsOf(CONFIG).models[name], ...changes }, seeds)
    })

    describe.each(['roc_auc', 'average_precision'] as const)('%s', (figure) => {
      const recorded = golden.splits.map(({ models }) => models[reference][figure].mean)

      it('is the recorded one to .02 in each week', () => {
        expect(own).toHaveLength(count)
        own.forEach((figures, split) => {
          expect(Math.abs(figures[figure] - recorded[split]!), `split ${split}`).toBeLessThan(0.02)
        })
      })

      it.runIf(count === recorded.length)('has its mean over the weeks to .005', () => {
        const difference = mean(own.map((figures) => figures[figure])) - mean(recorded)
        expect(Math.abs(difference)).toBeLessThan(0.005)
      })
    })
  })

  it('boosting with equally filled bins loses what ours keeps', () => {
    const of = (reference: 'xgboost_hist_eta_0.1_depth_3' | 'xgboost_exact_eta_0.1_depth_3'): number =>
      mean(golden.splits.map(({ models }) => models[reference].average_precision.mean))
    expect(of('xgboost_exact_eta_0.1_depth_3') - of('xgboost_hist_eta_0.1_depth_3')).toBeGreaterThan(0.005)
  })
}
