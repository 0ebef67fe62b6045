import { readCatboostModel } from '../catboost/import-model.ts'
import { readLightgbmModel } from '../lightgbm/import-model.ts'
import { readOnnxModel } from '../onnx/import-model.ts'
import { readXgboostModel } from '../xgboost/import-model.ts'
import type { ForeignModel } from './foreign-model.ts'
import { parseModelFile } from './model-file.ts'
import { recordAt, refuse } from './parts.ts'

/**
 * A model of another library, by what its file holds, whatever its name.
 *
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readForeignModel = (bytes: Uint8Array): ForeignModel => {
  const file = parseModelFile(bytes)
  if (file.form === 'LightGBM') return readLightgbmModel(file.text)
  if (file.form === 'ONNX') return readOnnxModel(file.bytes)
  const parts = recordAt(file.value, 'the model')
  if ('learner' in parts) return readXgboostModel(parts)
  if ('tree_info' in parts) return readLightgbmModel(parts)
  if ('features_info' in parts) return readCatboostModel(parts)
  return refuse(
    'the model',
    'has neither learner, as those of XGBoost, nor tree_info, as those of LightGBM, nor features_info, as those of CatBoost',
  )
}
