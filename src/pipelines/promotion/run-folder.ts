import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readArtifact } from '../../artifacts/artifact-folder.ts'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import { type DatabaseSettings, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import { VigiaError } from '../../errors.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import type { Artifact } from '../../model/artifact.ts'
import { type FeatureOrigin, whyOtherFeatures } from '../training/production-model.ts'
import { LABELS_FILE } from '../training/read-step.ts'

/** Rows of a finished run, and what they were computed with. */
export interface RunRows {
  readonly folder: string
  /** As read, cleaned, with features, and which part each row is in: the same rows in the same order. */
  readonly prepared: string
  readonly cleaned: string
  readonly features: string
  readonly split: string
  /** All that was said of labels, where the run has a table of them. */
  readonly labelHistory?: string
  readonly origin: FeatureOrigin
}

/**
 * The rows of the run in `folder`, if they are those that `artifact` was trained and tested on: the same data
 * and split, and features computed in the same way. The run's own model may be another one.
 *
 * @returns the rows, or in words why they are not
 */
export const openRunRows = async (
  folder: string,
  artifact: Artifact,
  database: DatabaseSettings,
): Promise<RunRows | { readonly reason: string }> => {
  try {
    const at = (...path: string[]): string => join(folder, ...path)
    const files = {
      prepared: at('read', 'prepared.parquet'),
      cleaned: at('clean', 'cleaned.parquet'),
      features: at('features', 'features.parquet'),
      split: at('split', 'split.parquet'),
    }
    const others = [at('features', 'fitted.json'), at('clean', 'cleaning.json')]
    for (const path of [...Object.values(files), ...others])
      if ((await stat(path).catch(() => undefined)) === undefined)
        return { reason: `the run folder has no ${path.slice(folder.length + 1)}` }
    const own = await readArtifact(at('package'))
    const { split, data, featureSettings } = own.manifest
    const origin: FeatureOrigin = {
      names: await columnsOf(files.features, database),
      settings: featureSettings as FeatureOrigin['settings'],
      fitted: {
        features: await readJson<FittedFeatures>(at('features', 'fitted.json')),
        cleaning: await readJson<FittedCleaning>(at('clean', 'cleaning.json')),
      },
    }
    // A run that a gate has stopped has newer rows than its package.
    const older = whyOtherFeatures(own, origin)
    if (older !== undefined) return { reason: `its package/ is older than its features/: ${older}` }
    const differs = (a: unknown, b: unknown): boolean => canonicalJson(a) !== canonicalJson(b)
    if (differs(data, artifact.manifest.data)) return { reason: 'the version was trained on other data' }
    if (differs(split, artifact.manifest.split))
      return { reason: 'the version was trained and tested on other rows of the data (split)' }
    const other = whyOtherFeatures(artifact, origin)
    if (other !== undefined) return { reason: `the version is of another run: ${other}` }
    const labelHistory = at('read', LABELS_FILE)
    const hasHistory = (await stat(labelHistory).catch(() => undefined)) !== undefined
    return { folder, ...files, ...(hasHistory && { labelHistory }), origin }
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    return { reason: error.message }
  }
}

const columnsOf = (features: string, database: DatabaseSettings): Promise<readonly string[]> =>
  withDatabase(database, async (connection) => {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${sqlLiteral(features)})`,
    )
    return described.getRows().map(([name]) => String(name))
  })
