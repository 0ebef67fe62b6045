import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { type DeclaredEntities, declareEntities } from '../../dataset/source-entities.ts'
import { declareTables } from '../../dataset/tables/declare-tables.ts'

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

export const usesGeneratedData = ({ config }: TrainingContext): boolean =>
  config.declared.source.path === GENERATED_SOURCE
