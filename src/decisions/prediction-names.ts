/** A name that predictions had, and the last number that it was given with, inclusive. */
export interface EarlierName {
  readonly logName: string
  readonly through: number
}

/** Who names the predictions of some states. */
export interface NamedHistory {
  /** First part of the ids of predictions to come. */
  readonly logName: string
  /** Names before it, oldest first: states that came from a backup go on under a name of their own. */
  readonly earlierNames?: readonly EarlierName[] | undefined
}

/** Ids of predictions: the name of the states that they were made on, and their number. */
export interface PredictionNames {
  idOf(sequence: number): string
  /** The number in a prediction id; undefined when it is none of these states. */
  sequenceOf(id: string): number | undefined
}

export const predictionNames = ({ logName, earlierNames = [] }: NamedHistory): PredictionNames => {
  const nameOf = (sequence: number): string =>
    earlierNames.find(({ through }) => sequence <= through)?.logName ?? logName
  return {
    idOf: (sequence) => `${nameOf(sequence)}-${sequence}`,
    sequenceOf: (id) => {
      const [, name, digits] = /^(.+)-([1-9]\d{0,14})$/s.exec(id) ?? []
      return name !== undefined && nameOf(Number(digits)) === name ? Number(digits) : undefined
    },
  }
}
