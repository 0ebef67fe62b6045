import { FIGURES, type FigureName, type FigureValues, keyOf } from './figures.ts'
import type { QualityGates } from './gates.ts'

/** Figures of which none is defined; tests set those that they are about. */
export const noFigures = (): FigureValues =>
  Object.fromEntries(FIGURES.map((figure) => [keyOf(figure), null])) as FigureValues

/** A setting for each figure that asks for nothing. */
export const noBounds = (): Record<FigureName, null> =>
  Object.fromEntries(FIGURES.map(({ name }) => [name, null])) as Record<FigureName, null>

/** Gates that ask for nothing. */
export const noGates = (): QualityGates => ({ ...noBounds(), worse_than_production: noBounds() })
