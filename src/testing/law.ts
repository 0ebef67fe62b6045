/**
 * One sentence that an implementation of a port must keep, with the check that refuses it when it does not.
 *
 * Laws are data and know no test runner:
 *
 * ```ts
 * for (const law of stateStoreLaws) test(law.title, () => law.check(subject))
 * ```
 */
export interface Law<Subject> {
  /**
   * `law 2: a save that expects another version writes nothing at all`; the number is that of the port's
   * comment.
   */
  readonly title: string
  /** Why this law does not bind `subject`: the subject says so itself. undefined when it does. */
  skipReason(subject: Subject): string | undefined
  /**
   * Opens what it needs, and closes it. Resolves at once for a subject that the law does not bind.
   *
   * @throws an AssertionError of node:assert, or what the subject threw, when the law is broken
   */
  check(subject: Subject): Promise<void>
}

/** Lends what a check needs of the subject, and closes it afterwards. */
type Lend<Subject, Tools> = (subject: Subject, check: (tools: Tools) => Promise<void>) => Promise<void>

/** Makes laws over subjects of one kind. */
export const lawMaker =
  <Subject, Tools>(lend: Lend<Subject, Tools>) =>
  (
    number: number,
    title: string,
    check: (tools: Tools) => void | Promise<void>,
    skipReason: (subject: Subject) => string | undefined = () => undefined,
  ): Law<Subject> => ({
    title: `law ${number}: ${title}`,
    skipReason,
    check: async (subject) => {
      if (skipReason(subject) === undefined) await lend(subject, async (tools) => check(tools))
    },
  })

/**
 * Does `work`, then `close` whatever came of it. What `work` threw says more than what `close` threw after
 * it.
 */
export const closingAfter = async (work: () => Promise<void>, close: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
  await close()
}
