import { beforeAll, describe, expect, test } from 'vitest'
import golden from '../golden/second-bank-models.json' with { type: 'json' }
import { judgeWeeks, mean, readWeeks, settingsOf } from '../second-bank-weeks.ts'

const CONFIG = 'examples/second-bank/best.yaml'

/**
 * Law: the best model of second-bank is as good as its README says, on weeks that no setting of it was chosen
 * on; bench/second-bank.mjs writes the figures, and those of an oracle beside them.
 *
 * @param weeks how many of the five recorded weeks: the mean is only held where it is of all
 */
export const bestModelIsWorth = ({ weeks }: { readonly weeks: number }): void => {
  describe('boosting with fraud runs and four weeks to learn from', () => {
    let own: readonly number[]
    beforeAll(async () => {
      const figures = await judgeWeeks(
        await readWeeks(CONFIG, weeks, 28),
        'gradient_boosting',
        settingsOf(CONFIG).models.gradient_boosting,
        1,
      )
      own = figures.map(({ average_precision }) => average_precision)
      process.stdout.write(`average precision by week: ${own.map((figure) => figure.toFixed(4)).join(' ')}\n`)
    })

    test('is better than XGBoost exact with the handbook’s 15 by at least .04, in every week', () => {
      expect(own).toHaveLength(weeks)
      own.forEach((figure, week) => {
        const { models } = golden.splits[week]!
        expect(figure - models['xgboost_exact_eta_0.1_depth_3'].average_precision.mean).toBeGreaterThan(0.04)
      })
    })

    test.runIf(weeks === golden.splits.length)('has a mean average precision of at least .74', () => {
      expect(mean(own)).toBeGreaterThan(0.74)
    })
  })
}
