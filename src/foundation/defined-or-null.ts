/** null for NaN, which JSON cannot hold: how files say that a figure is not defined. */
export const definedOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value)
