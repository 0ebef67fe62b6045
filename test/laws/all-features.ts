import { beforeAll, describe, expect, test } from 'vitest'
import golden from '../golden/second-bank-models.json' with { type: 'json' }
import { judgeWeeks, mean, readWeeks, settingsOf, type WeekFigures } from '../second-bank-weeks.ts'

const CONFIG = 'examples/second-bank/all_features.yaml'

/**
 * Law: what all features are worth. Our boosting with them beats XGBoost's exact method with the handbook's
 * 15, on the same rows of weeks of second-bank. It needs no peer, only minutes.
 *
 * @param weeks how many of the five recorded weeks: by how much is only held where it is of all
 */
export const allFeaturesAreWorth = ({ weeks }: { readonly weeks: number }): void => {
  describe('boosting with all features beats XGBoost exact with the handbook’s 15', () => {
    let gains: readonly number[]
    beforeAll(async () => {
      const own: readonly WeekFigures[] = await judgeWeeks(
        await readWeeks(CONFIG, weeks),
        'gradient_boosting',
        settingsOf(CONFIG).models.gradient_boosting,
        1,
      )
      const recorded = golden.splits.map(
        ({ models }) => models['xgboost_exact_eta_0.1_depth_3'].average_precision.mean,
      )
      gains = own.map(({ average_precision }, week) => average_precision - recorded[week]!)
      process.stdout.write(
        `gains of average precision by week: ${gains.map((gain) => gain.toFixed(4)).join(' ')}\n`,
      )
    })

    test('in every week', () => {
      expect(gains).toHaveLength(weeks)
      for (const gain of gains) expect(gain).toBeGreaterThan(0)
    })

    describe.runIf(weeks === golden.splits.length)('over all weeks', () => {
      test('by at least .04 of average precision in the mean', () => {
        expect(mean(gains)).toBeGreaterThan(0.04)
      })

      test('surely: the 95 % interval of the mean over the weeks stays above .02', () => {
        const spread = Math.sqrt(
          gains.reduce((sum, gain) => sum + (gain - mean(gains)) ** 2, 0) / (gains.length - 1),
        )
        // Student's t with four degrees of freedom.
        expect(mean(gains) - (2.776 * spread) / Math.sqrt(gains.length)).toBeGreaterThan(0.02)
      })
    })
  })
}
