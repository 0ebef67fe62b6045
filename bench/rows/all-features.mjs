import { rmSync } from 'node:fs'
import { built, differingRows, trainingSettings, workOn } from '../data.mjs'
import { preparedGenerated } from './generated.mjs'

/** Features of every family over `rows` generated transactions. */
const allFeaturesOf = ({ name, title, rows, large }) => ({
  name,
  title,
  large,
  goal: { text: 'at least 300,000 rows per CPU second', rowsPerCpuSecond: 300_000 },
  prepare: async ({ folder, cores, smoke }) => ({
    prepared: await preparedGenerated({ folder, cores, rows: smoke ? 20_000 : rows }),
  }),
  outEnding: '.parquet',
  ours: async () => {
    const { run, settings, fitOn } = await loadReplay()
    return async ({ prepared, out, cores, folder }) => {
      const work = workOn({ cores, folder })
      const fitted = await fitOn(prepared, settings, work)
      const result = await run({ prepared, out, settings, fitted, workers: cores, work })
      return { rows: result.rows, features: result.featureNames.length, counts: result.counts }
    }
  },
  peers: {},
  check: async ({ data, outs, cores, results }) => {
    const { rows: total, features, counts } = results.ours
    const { entities } = counts
    const held = `${total} rows, ${features} features, states of ${entities.user} users, ${entities.merchant} merchants, ${entities.device} devices`
    if (large) return `${held}; sameness checked by \`all-features\``
    const { run, settings, fitOn } = await loadReplay()
    const out = `${outs.ours}.alone.parquet`
    const work = workOn({ cores: 1, folder: `${outs.ours}.spill` })
    const fitted = await fitOn(data.prepared, settings, work)
    await run({ prepared: data.prepared, out, settings, fitted, workers: 1, work })
    const { differing } = await differingRows(cores, outs.ours, out)
    rmSync(out)
    if (differing > 0) throw new Error(`${differing} rows differ between ${cores} workers and one`)
    return `${held}; equal with one worker`
  },
})

const loadReplay = async () => {
  const { replay } = await built('replay/replay.js')
  const { fitFeaturesOn } = await built('replay/fit-features.js')
  const { withDatabase } = await built('disk/database.js')
  const { readFeatureSettings } = await built('features/feature-settings.js')
  const { readAmountRules } = await built('config/read-amount-rules.js')
  const training = await trainingSettings()
  const settings = readFeatureSettings(training.features, training.labels, readAmountRules(training))
  const fitOn = (prepared, of, { database }) =>
    withDatabase(database, (connection) => fitFeaturesOn(connection, prepared, 'true', of))
  return { run: replay, settings, fitOn }
}

/** Every feature over a million transactions. */
export const allFeatures = allFeaturesOf({
  name: 'all-features',
  title: 'all features, 1 M generated transactions, fit and replay, Parquet to Parquet',
  rows: 1_000_000,
})

/** Ten times the days of the same customers: rows/s and memory should stay what they are. */
export const allFeaturesLarge = allFeaturesOf({
  name: 'all-features-large',
  title: 'all features, 10 M generated transactions of the same customers',
  rows: 10_000_000,
  large: true,
})
