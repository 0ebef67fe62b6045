import { artifactLaws } from './experiment-tracker/artifacts.ts'
import { experimentLaws } from './experiment-tracker/experiments.ts'
import { metricLaws } from './experiment-tracker/metrics.ts'
import { parameterLaws } from './experiment-tracker/parameters.ts'
import { runLaws } from './experiment-tracker/runs.ts'
import { tagAndInputLaws } from './experiment-tracker/tags-and-inputs.ts'
import type { ExperimentTrackerSubject } from './experiment-tracker/tracker-law.ts'
import type { Law } from './law.ts'

/** Laws 1 to 9 of `ExperimentTracker` (`ports/experiment-tracker.ts`). */
export const experimentTrackerLaws: readonly Law<ExperimentTrackerSubject>[] = [
  ...experimentLaws,
  ...runLaws,
  ...parameterLaws,
  ...metricLaws,
  ...tagAndInputLaws,
  ...artifactLaws,
]
