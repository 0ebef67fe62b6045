import { dirname } from 'node:path'
import { publishStates, statesIdentity } from '../../artifacts/states-manifest.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import type { Step } from '../../steps/step.ts'
import { stateKindsOf } from '../../transaction/entity-kind.ts'
import { featuresOfRun } from './feature-files.ts'
import { ownEntities, type TrainingContext } from './training-context.ts'

/**
 * The state of every entity after the last transaction, beside the artifact: what scoring goes on from, so
 * that the first request after a deployment sees its user's history. `user.states`, `merchant.states`,
 * `device.states`, `pending.labels`, and `states.json`.
 */
export const statesStep = ({ config }: TrainingContext): Step => ({
  name: 'states',
  activity: 'keeping the states of all entities',
  inputs: ['read', 'features'],
  settings: {
    features: config.declared.features,
    labels: config.declared.labels,
    ...ownEntities(config),
  },
  module: import.meta.url,
  run: async ({ input, output, database }) => {
    const features = input('features', 'features.parquet')
    const { settings, fitted } = await featuresOfRun({ config }, input)
    const last = await withDatabase(database, async (connection) => {
      const result = await connection.runAndReadAll(
        `SELECT max(event_time_ms)::DOUBLE FROM read_parquet(${sqlLiteral(features)})`,
      )
      return result.getRows()[0]?.[0] as number | null
    })
    await publishStates(
      dirname(features),
      dirname(output('states.json')),
      statesIdentity(settings, fitted),
      last,
      stateKindsOf(settings.options.entities),
    )
  },
})
