import type { Calibration } from '../../learning/calibration/calibration.ts'
import type { FeatureTable } from '../../learning/feature-table.ts'
import type { Model } from '../../learning/model.ts'
import { compareFloats } from './compare-floats.ts'
import { encodeFloatOnnx, encodeOnnx } from './encode-onnx.ts'
import type { OnnxFiles } from './onnx-contents.ts'

/**
 * Both files of a model.
 *
 * @param judgedOn rows that the file in floats is compared on
 */
export const onnxFilesOf = (
  model: Model,
  calibration: Calibration,
  threshold: number,
  judgedOn: FeatureTable,
): OnnxFiles => {
  const onnx = encodeOnnx(model, calibration)
  const bytes = encodeFloatOnnx(model, calibration)
  const comparison = compareFloats(model, calibration, threshold, judgedOn)
  if (bytes === undefined || comparison === undefined) return { onnx }
  return { onnx, onnxInFloats: { bytes, comparison } }
}
