import { modelsOpenInMlflow } from '../laws/mlflow-model.ts'

modelsOpenInMlflow({ rows: 10_000 })
