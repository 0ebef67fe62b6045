import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { type DeclaredEntities, declareEntities } from '../../dataset/source-entities.ts'
import { LOG_SOURCE } from '../../dataset/source-files.ts'
import { declareTables } from '../../dataset/tables/declare-tables.ts'
import { VigiaError } from '../../errors.ts'
import type { OpenBankDatabase } from '../../ports/bank-database.ts'
import type { LogReader } from '../../ports/prediction-log.ts'

/** What every step of training is made from. */
export interface TrainingContext {
  readonly config: ConfigManager<TrainingSettings>
  /** Absolute; relative names of source files are shown from here. */
  readonly workingDirectory: string
  /** The run folder, absolute. */
  readonly folder: string
  /** Environment variables: some say where native libraries are. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Threads for the work that is spread over several. */
  readonly workers: number
  /** Opens the log in a folder, for `source.path: vigia-log://FOLDER`. */
  readonly readLog: (folder: string) => LogReader
  /** Connects to the database that `source.path: postgres://…` names; absent: such a source is refused. */
  readonly openDatabase?: OpenBankDatabase
}

/** The entities of the configuration; the source with what names them, and what its tables are found by. */
export const declaredEntities = ({ config }: Pick<TrainingContext, 'config'>): DeclaredEntities => {
  const { entities, source, features } = config.settings
  const declared = declareEntities(entities, source, features)
  return { ...declared, source: declareTables(declared.source) }
}

/** For the settings of a step: what it says is there only when something is declared. */
export const ownEntities = ({ declared }: TrainingContext['config']): { readonly entities?: unknown } =>
  Object.keys(declared.entities).length === 0 ? {} : { entities: declared.entities }

/** Value of `source.path` that makes the run generate its own data. */
export const GENERATED_SOURCE = 'generated'

export const usesGeneratedData = ({ config }: Pick<TrainingContext, 'config'>): boolean =>
  config.declared.source.path === GENERATED_SOURCE

/**
 * The folders of logs that the transactions come from; empty where they come from elsewhere.
 *
 * @throws DATASET_SETTING_INVALID for logs beside other files, and for one without a folder
 */
export const logFolders = ({ config }: Pick<TrainingContext, 'config'>): readonly string[] => {
  const paths = [config.settings.source.path].flat()
  const logs = paths.filter((path) => path.startsWith(LOG_SOURCE))
  if (logs.length === 0) return []
  const folders = logs.map((path) => path.slice(LOG_SOURCE.length))
  if (logs.length < paths.length || folders.includes(''))
    throw new VigiaError('DATASET_SETTING_INVALID', {
      setting: 'source.path',
      got: paths.join(', '),
      allowed: `files, or ${LOG_SOURCE}FOLDER for each log of a service`,
    })
  return folders
}
