import Table from 'cli-table3'
import type { ConfigManager } from '../../config/config-manager.ts'
import { readAmountRules } from '../../config/read-amount-rules.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { bindAttributes } from '../../dataset/bound-attributes.ts'
import { mapFields } from '../../dataset/field-mapping.ts'
import { createMappingMacros } from '../../dataset/mapping-macros.ts'
import { attributeOf } from '../../dataset/source-attributes.ts'
import { openSourceRows } from '../../dataset/source-rows.ts'
import { attributesOfTables, openTables } from '../../dataset/tables/open-tables.ts'
import { withDatabase } from '../../disk/database.ts'
import { type FeatureSettings, readFeatureSettings, splitEntities } from '../../features/feature-settings.ts'
import { VOCABULARY_FIELDS } from '../../features/fitted-features.ts'
import type { World } from '../../foundation/world.ts'
import { declaredEntities } from '../../pipelines/training/training-context.ts'
import {
  COST_DAYS,
  COST_ENTITIES,
  COST_TRANSACTIONS,
  costOfFeatures,
  type SourceCost,
} from '../../replay/feature-cost.ts'
import type { CommandContext, ExitCode } from '../command.ts'
import { workOf } from '../command-work.ts'

/** What the features of a configuration cost, source by source; the columns are looked up in its data. */
export const showCost = async (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
  { monotonicMs }: Pick<World, 'monotonicMs'>,
): Promise<ExitCode> => {
  const settings = await featureSettingsOf(context, config)
  const costs = costOfFeatures(settings, { amountBandEdgesMinor: [], vocabularies: {} }, monotonicMs)
  const total = {
    features: costs.reduce((sum, { features: own }) => sum + own, 0),
    microseconds: costs.reduce((sum, { microseconds }) => sum + microseconds, 0),
  }
  context.stdout.write(context.json ? `${JSON.stringify({ costs, total })}\n` : describe(costs, total))
  return 0
}

/** The settings of the features of a configuration; the columns that they name are looked up in its data. */
export const featureSettingsOf = async (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
): Promise<FeatureSettings> => {
  const { features, labels, cleaning } = config.settings
  const { entities } = declaredEntities({ config })
  const { attributes, withoutUsers } = await columnsOf(context, config)
  const known = {
    categories: VOCABULARY_FIELDS,
    attributes,
    ...splitEntities(entities),
    foldsCategories: cleaning.fold_categories,
    withoutUsers,
    reversals: (config.settings.source.fields.reverses ?? '') !== '',
  }
  return readFeatureSettings(features, labels, readAmountRules(config.settings), known)
}

/** Attributes are looked up in the source: patterns stand for its columns. Without any it may be away. */
const columnsOf = async (context: CommandContext, config: ConfigManager<TrainingSettings>) => {
  const { source } = declaredEntities({ config })
  const withoutUsers = source.fields.user_id === ''
  if (Object.keys(source.attributes).length === 0) return { attributes: [], withoutUsers }
  const { database } = workOf(context, config.settings.resources)
  return withDatabase(database, async (connection) => {
    await createMappingMacros(connection)
    const { signal } = context.work
    const tables = await openTables(connection, source, context.workingDirectory, signal)
    const { columns } = await openSourceRows(connection, source, context.workingDirectory, signal)
    const fields = await mapFields(connection, source.fields, columns, 'if there')
    const bound = await bindAttributes(connection, source, fields, columns)
    const all = [...bound.map(({ attribute }) => attribute), ...attributesOfTables(tables)]
    return { attributes: all.map(attributeOf), withoutUsers }
  })
}

const describe = (
  costs: readonly SourceCost[],
  total: Pick<SourceCost, 'features' | 'microseconds'>,
): string => {
  const table = new Table({
    head: ['of', 'features', 'one state', 'per transaction', 'per value', 'at most', 'beyond', 'time'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const { source, features, state, stateOf, microseconds } of costs) {
    const sizes =
      state === undefined
        ? [stateOf === undefined ? '' : `as ${stateOf}`, '', '', '', '']
        : [state.first, state.perTransaction, state.perValue, state.most, state.beyond].map(bytesText)
    table.push([source, features, ...sizes, `${microseconds.toFixed(2)} µs`])
  }
  table.push(['all', total.features, '', '', '', '', '', `${total.microseconds.toFixed(2)} µs`])
  return `${table.toString()}
One state: of an entity that is new. It grows per transaction that its windows can still count, and per value that it remembers.
Beyond: at most so much more for the steps of one whose ring is full.
Time: for one transaction here, on ${COST_TRANSACTIONS} invented ones of ${COST_ENTITIES} entities of each kind in ${COST_DAYS} days.
`
}

const bytesText = (bytes: number): string =>
  bytes < 1000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1000).toFixed(1)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`
