/** The ONNX files of an artifact. */
export interface OnnxFiles {
  /** `model.onnx`, in doubles. */
  readonly onnx: Uint8Array
  /**
   * `model-float32.onnx`, and how far it is from the model on rows of the run; absent where a number of the
   * model is beyond the floats.
   */
  readonly onnxInFloats?: { readonly bytes: Uint8Array; readonly comparison: FloatComparison }
}

/** How far the model in floats is from the model, on the same rows. */
export interface FloatComparison {
  readonly rows: number
  /** Rows whose probability differs by more than 1e-6. */
  readonly differing: number
  /** Rows that are flagged by one and not by the other. */
  readonly flaggedOtherwise: number
  readonly largestDifference: number
}
