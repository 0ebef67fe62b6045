import type { Law } from './law.ts'
import { documentLaws } from './prediction-log/documents.ts'
import { fullDiskLaws } from './prediction-log/full-disk.ts'
import type { PredictionLogSubject } from './prediction-log/log-law.ts'
import { recordLaws } from './prediction-log/records.ts'
import { segmentLaws } from './prediction-log/segments.ts'

/** Laws 1 to 6 of `PredictionLog` (`ports/prediction-log.ts`). */
export const predictionLogLaws: readonly Law<PredictionLogSubject>[] = [
  ...recordLaws,
  ...segmentLaws,
  ...documentLaws,
  ...fullDiskLaws,
]
