import type { Algorithm } from '../algorithm.ts'
import {
  assembleForest,
  forestMemory,
  forestThreadMemory,
  type GrownTrees,
  growForest,
  type RandomForestSettings,
} from '../forest/random-forest.ts'

interface ForestPart {
  readonly names: readonly string[]
  readonly grown: GrownTrees
}

/**
 * Random forest. Rows are drawn by their numbers, so another order of rows, or a row twice for a weight of 2,
 * is another draw.
 */
export const randomForest: Algorithm<RandomForestSettings, ForestPart> = {
  name: 'random_forest',
  title: 'Random forest',
  isParallel: true,
  memory: forestMemory,
  ownMemory: forestThreadMemory,
  fit: (data, settings, seed, crew) => ({
    names: data.table.names,
    grown: growForest(data, settings, seed, crew),
  }),
  assemble: (parts) =>
    assembleForest(
      parts[0]!.names,
      parts.map(({ grown }) => grown),
    ),
}
