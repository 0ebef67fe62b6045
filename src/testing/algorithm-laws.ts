import type { AlgorithmSubject } from './algorithm/algorithm-law.ts'
import { dataLaws } from './algorithm/data.ts'
import { fitLaws } from './algorithm/fits.ts'
import { modelLaws } from './algorithm/models.ts'
import type { Law } from './law.ts'

/** Laws 1 to 7 of `Algorithm` (`learning/algorithm.ts`). */
export const algorithmLaws: readonly Law<AlgorithmSubject>[] = [...fitLaws, ...dataLaws, ...modelLaws]
