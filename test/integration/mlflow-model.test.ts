import { modelsOpenInMlflow } from '../laws/mlflow-model.ts'

// Beside these, rows on and next to thresholds; 10,000 random ones are in test/long.
modelsOpenInMlflow({ rows: 1000 })
