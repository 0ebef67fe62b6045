import type { App } from '../dependencies.ts'
import { ErrorAnswer, ProblemAnswer, RowError } from './error.ts'
import { LabelAnswer, LabelBody, LabelsAnswer, LabelsBody } from './feedback.ts'
import { InvocationsAnswer, InvocationsBody, MlflowError } from './mlflow.ts'
import { OPEN_INFERENCE_SCHEMAS } from './open-inference.ts'
import {
  BatchAnswer,
  BatchBody,
  BatchRow,
  LoggedAnswer,
  ModelName,
  PredictionAnswer,
  ReasonAnswer,
} from './prediction.ts'
import { HealthAnswer, LiveAnswer, ModelAnswer, ModelsAnswer, SavedLogsAnswer } from './service.ts'
import { TransactionAnswer, TransactionBody } from './transaction.ts'

/** Makes every named schema known to the server and its OpenAPI document. */
export const addSchemas = (app: App): void => {
  for (const schema of [
    TransactionBody,
    TransactionAnswer,
    ModelName,
    ReasonAnswer,
    PredictionAnswer,
    ProblemAnswer,
    RowError,
    ErrorAnswer,
    BatchBody,
    BatchRow,
    BatchAnswer,
    LoggedAnswer,
    LabelBody,
    LabelsBody,
    LabelAnswer,
    LabelsAnswer,
    ModelAnswer,
    ModelsAnswer,
    LiveAnswer,
    HealthAnswer,
    SavedLogsAnswer,
    InvocationsBody,
    InvocationsAnswer,
    MlflowError,
    ...OPEN_INFERENCE_SCHEMAS,
  ])
    app.addSchema(schema)
}
