import { built, differingRows, preparedSecondBank, trainingSettings, workOn } from '../data.mjs'
import { windowSql } from '../peers/handbook-features-sql.mjs'

const WINDOWS = ['1d', '7d', '30d']
/** In the order of the engine. */
const FIFTEEN = [
  'is_weekend',
  'is_night',
  'amount',
  ...WINDOWS.flatMap((window) => [`user_tx_count_${window}`, `user_mean_amount_${window}`]),
  ...WINDOWS.flatMap((window) => [`merchant_labelled_count_${window}`, `merchant_risk_${window}`]),
]

/** The handbook's features over history, from a prepared Parquet file to a Parquet file of features. */
export const handbookFeatures = {
  name: 'handbook-features',
  title: "handbook's 15 features, second bank x 3, Parquet to Parquet",
  goal: { text: 'at least 2x faster than the fastest, no more memory', ratio: 2, noMoreMemory: true },
  prepare: async ({ folder, cores, smoke }) => ({
    columns: FIFTEEN,
    prepared: await preparedSecondBank({ folder, cores, copies: smoke ? 1 : 3, limit: smoke ? 20_000 : 0 }),
  }),
  outEnding: '.parquet',
  ours: async () => {
    const { replay } = await built('replay/replay.js')
    const { readFeatureSettings } = await built('features/feature-settings.js')
    const { readAmountRules } = await built('config/read-amount-rules.js')
    const training = await trainingSettings()
    const features = { ...training.features, include: FIFTEEN }
    const settings = readFeatureSettings(features, training.labels, readAmountRules(training))
    // None of the fifteen takes anything from training rows.
    const fitted = {
      amountBandEdgesMinor: [],
      vocabularies: { merchant_category: [], transaction_type: [], device_type: [] },
    }
    return async ({ prepared, out, cores, folder }) => {
      const work = workOn({ cores, folder })
      const { rows } = await replay({ prepared, out, settings, fitted, workers: cores, work })
      return { rows }
    }
  },
  peers: {
    DuckDB: {
      run: async () => {
        const { sql } = await import('../data.mjs')
        return async ({ prepared, out, cores, columns }) => {
          await sql(cores, windowSql(prepared, columns, out))
        }
      },
    },
    Polars: { python: 'handbook-features.py', needs: 'polars' },
  },
  check: async ({ outs, cores }) => {
    const compared = []
    for (const [peer, out] of Object.entries(outs.peers)) {
      const { rows, differing, columns } = await differingRows(cores, outs.ours, out)
      if (differing > 0) throw new Error(`${differing} of ${rows} rows differ from ${peer}`)
      compared.push(`${rows} rows x ${columns} columns equal to ${peer}`)
    }
    return compared.join('; ')
  },
}
