import { type Static, Type } from 'typebox'
import type { ConfigFile } from './config-file.ts'
import { databaseProblems } from './database-address.ts'
import { AmountsSchema } from './sections/amounts.ts'
import { CleaningSchema } from './sections/cleaning.ts'
import { EntitiesSchema } from './sections/entities.ts'
import { EvaluationSchema } from './sections/evaluation.ts'
import { FeaturesSchema } from './sections/features.ts'
import { GenerateSchema } from './sections/generate.ts'
import { LabelsSchema } from './sections/labels.ts'
import { ModelsSchema } from './sections/models.ts'
import { ProjectSchema } from './sections/project.ts'
import { PromotionSchema } from './sections/promotion.ts'
import { ResourcesSchema } from './sections/resources.ts'
import { RunsSchema } from './sections/runs.ts'
import { SearchSchema } from './sections/search.ts'
import { SelectionSchema } from './sections/selection.ts'
import { SourceSchema } from './sections/source.ts'
import { SplitSchema } from './sections/split.ts'
import { TrackingSchema } from './sections/tracking.ts'
import { ValidationSchema } from './sections/validation.ts'
import { WeightsSchema } from './sections/weights.ts'

/** Everything that training and batch work can be told: `configs/training_config.yaml`. */
export const TrainingConfigSchema = Type.Object(
  {
    project: ProjectSchema,
    resources: ResourcesSchema,
    runs: RunsSchema,
    source: SourceSchema,
    amounts: AmountsSchema,
    entities: EntitiesSchema,
    labels: LabelsSchema,
    validation: ValidationSchema,
    cleaning: CleaningSchema,
    features: FeaturesSchema,
    split: SplitSchema,
    weights: WeightsSchema,
    selection: SelectionSchema,
    models: ModelsSchema,
    search: SearchSchema,
    evaluation: EvaluationSchema,
    tracking: TrackingSchema,
    promotion: PromotionSchema,
    generate: GenerateSchema,
  },
  { title: 'Vigía training configuration' },
)

/** Effective settings of training: every default filled in. */
export type TrainingSettings = Static<typeof TrainingConfigSchema>

export const TRAINING_FILE = {
  name: 'training_config',
  summary: 'Data, features, training and evaluation: read by generate, validate, features, run and predict.',
  schema: TrainingConfigSchema,
  paths: [
    'source.path',
    'source.tables.*.path',
    'source.labels.path',
    'runs.directory',
    'resources.temp_directory',
    'models.xgboost.library',
    'evaluation.production',
    'tracking.directory',
  ],
  // Before anything is printed or kept: no password stands in a configuration.
  contradictions: (settings) => {
    const { path, query } = (settings as TrainingSettings).source
    return databaseProblems(path, query)
  },
} satisfies ConfigFile
