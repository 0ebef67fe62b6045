import { type TNull, type TNumber, type TUnion, type TUnsafe, Type } from 'typebox'
import { boundWord, type Figure, headingOf, worseWord } from '../evaluation/figure.ts'
import type { FigureName, NamedFigure } from '../evaluation/figures.ts'

type NumberOrNull = TUnion<[TNumber, TNull]>

/** Figures that earlier versions called otherwise: refused, with the new name, as values and as settings. */
export const RENAMED_FIGURES = { precision_at_k: 'daily_precision' }

/** A setting that names one of `figures`. */
export const figureChoice = <Name extends FigureName>(
  figures: readonly NamedFigure<Name>[],
  options: { readonly default: Name; readonly description: string },
): TUnsafe<Name> =>
  Type.Unsafe<Name>(
    Type.Union(
      figures.map(({ name }) => Type.Literal(name)),
      { ...options, renamed: RENAMED_FIGURES },
    ),
  )

/** A setting for each figure: the worst value that `whose` may have; null, the default, asks for nothing. */
export const figureBounds = <Name extends FigureName>(
  figures: readonly NamedFigure<Name>[],
  whose: string,
): Record<Name, NumberOrNull> =>
  ofEach(figures, (figure) => {
    const [minimum, maximum] = figure.range
    const text = `${headingOf(figure)} ${whose} at ${boundWord(figure)}. null: not asked for.`
    return numberOrNull(figure, { minimum, maximum, description: text, default: null })
  })

/** A margin that is no null by default, and why it is what it is. */
interface DefaultMargin {
  readonly margin: number
  readonly reason: string
}

/**
 * A setting for each figure: how much worse than `whose` it may be; null, the default unless `defaults` has
 * another, allows any.
 */
export const figureMargins = <Name extends FigureName>(
  figures: readonly NamedFigure<Name>[],
  whose: string,
  defaults: Partial<Record<FigureName, DefaultMargin>> = {},
): Record<Name, NumberOrNull> =>
  ofEach(figures, (figure) => {
    const [least, greatest] = figure.range
    const { margin, reason } = defaults[figure.name] ?? { margin: null, reason: '' }
    const meaning = `${headingOf(figure)} may be this much ${worseWord(figure)} than ${whose}. null: any.`
    return numberOrNull(figure, {
      minimum: 0,
      maximum: greatest - least,
      description: `${meaning} ${reason}`.trim(),
      default: margin,
    })
  })

const ofEach = <Name extends FigureName>(
  figures: readonly NamedFigure<Name>[],
  setting: (figure: NamedFigure<Name>) => NumberOrNull,
): Record<Name, NumberOrNull> =>
  Object.fromEntries(figures.map((figure) => [figure.name, setting(figure)])) as Record<Name, NumberOrNull>

const numberOrNull = (
  { unit }: Pick<Figure, 'unit'>,
  {
    minimum,
    maximum,
    ...options
  }: {
    readonly minimum: number
    readonly maximum: number
    readonly default: number | null
    readonly description: string
  },
): NumberOrNull =>
  Type.Union([Type.Number({ minimum, ...(Number.isFinite(maximum) && { maximum }) }), Type.Null()], {
    ...options,
    unit,
  })
