import { readXgboostModel } from '../xgboost/import-model.ts'
import type { ForeignModel } from './foreign-model.ts'

/**
 * A model of another library, by what its file holds, whatever its name.
 *
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readForeignModel = (bytes: Uint8Array): ForeignModel => readXgboostModel(bytes)
