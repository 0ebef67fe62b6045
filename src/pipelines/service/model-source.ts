import { findModel, type ModelPlaces } from '../../artifacts/model-source.ts'
import { prepareModel } from '../../decisions/loaded-model.ts'
import type { LoadModel } from '../../decisions/model-control.ts'
import type { World } from '../../foundation/world.ts'

export type { LoadModel }

export interface ModelSourceOptions extends ModelPlaces {
  readonly world: Pick<World, 'now'>
}

/** Loads the model of a source (`findModel`), ready to decide. @throws what `findModel` does */
export const modelLoader =
  ({ world, ...places }: ModelSourceOptions): LoadModel =>
  async (source) => {
    const { artifact, ...origin } = await findModel(source, places)
    return prepareModel(artifact, { ...origin, loadedAtMs: world.now() })
  }
