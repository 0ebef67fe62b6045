/** Something in a log that is not as it was written. */
export interface LogProblem {
  /** From the folder of the log. */
  readonly file: string
  /** Byte at which it is seen; undefined where the file as a whole is wrong. */
  readonly offset?: number
  readonly reason: string
}
