import { type Static, Type } from 'typebox'
import type { ConfigFile } from './config-file.ts'
import { ApiSchema, LogSchema, ServedModelSchema, StateStoreSchema } from './sections/serving.ts'

/** Everything that the server can be told: `configs/serving_config.yaml`. */
export const ServingConfigSchema = Type.Object(
  { api: ApiSchema, model: ServedModelSchema, state_store: StateStoreSchema, log: LogSchema },
  { title: 'Vigía serving configuration' },
)

/** Effective settings of serving: every default filled in. */
export type ServingSettings = Static<typeof ServingConfigSchema>

export const SERVING_FILE = {
  name: 'serving_config',
  summary: 'The prediction server: where it listens, what it serves, where it keeps states.',
  schema: ServingConfigSchema,
  paths: ['model.path', 'state_store.path'],
} satisfies ConfigFile
