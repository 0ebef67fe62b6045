import { dirname } from 'node:path'
import type { ReadResult } from '../../dataset/read-source.ts'
import { attributeOf } from '../../dataset/source-attributes.ts'
import { assertEntitiesMapped } from '../../dataset/source-entities.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { readFeatureSettings, splitEntities } from '../../features/feature-settings.ts'
import { VOCABULARY_FIELDS } from '../../features/fitted-features.ts'
import { fitFeaturesOn } from '../../replay/fit-features.ts'
import { replay } from '../../replay/replay.ts'
import type { Step } from '../../steps/step.ts'
import { trainingRows } from './clean-step.ts'
import { LABELS_FILE } from './read-step.ts'
import { declaredEntities, ownEntities, type TrainingContext } from './training-context.ts'

/**
 * Cleaned rows -> `features.parquet` (one row a transaction, one column a feature), `fitted.json` (what
 * features took from the training rows), `user.states`, `merchant.states`, `device.states` (all states after
 * the last row), `replay.json` (counts).
 */
export const featuresStep = ({ config, workers }: TrainingContext): Step => ({
  name: 'features',
  activity: 'computing features',
  inputs: ['read', 'clean', 'split'],
  settings: {
    features: config.declared.features,
    labels: config.declared.labels,
    ...ownEntities(config),
  },
  module: import.meta.url,
  run: async (work) => {
    const { input, output } = work
    const prepared = input('clean', 'cleaned.parquet')
    const { attributes, amounts, mapping, labels } = await readJson<ReadResult>(input('read', 'read.json'))
    const { entities } = declaredEntities({ config })
    assertEntitiesMapped(entities, mapping, config.settings.features.aggregates)
    const known = {
      categories: VOCABULARY_FIELDS,
      attributes: attributes.map(attributeOf),
      ...splitEntities(entities),
      foldsCategories: config.settings.cleaning.fold_categories,
      withoutUsers: mapping.user_id === null,
      reversals: (mapping.reverses ?? null) !== null,
    }
    const settings = readFeatureSettings(config.settings.features, config.settings.labels, amounts, known)
    const fitted = await withDatabase(work.database, (connection) =>
      fitFeaturesOn(connection, prepared, trainingRows(input('split', 'split.parquet')), settings),
    )
    await writeJson(output('fitted.json'), fitted)
    const result = await replay({
      prepared,
      ...(labels !== undefined && { labelHistory: input('read', LABELS_FILE) }),
      out: output('features.parquet'),
      statesOut: dirname(output('user.states')),
      settings,
      fitted,
      workers,
      work,
    })
    await writeJson(output('replay.json'), result)
  },
})
