/** Reads what was sent, by the rules of the models in service. */
export type Reads<T> = () => T | Promise<T>

/** Whether something was read by the rules of models that are no longer in service. */
export type IsStale = () => boolean

/** What was sent has to be read again, by the models that came meanwhile. It never leaves the pipeline. */
export class ModelsChanged extends Error {
  constructor() {
    super('other models are in service than those that this was read for')
  }
}

/** @throws ModelsChanged */
export const assertFresh = (isStale: IsStale | undefined): void => {
  if (isStale?.() === true) throw new ModelsChanged()
}

/**
 * Uses what was sent as the models that use it read it: it is read again for as long as other models come
 * before it is used. What is no reader was read before, and is used as it is.
 *
 * @param current what tells the models in service apart
 */
export const useRead = async <T extends object, Done>(
  sent: T | Reads<T>,
  current: () => object,
  use: (read: T, isStale?: IsStale) => Promise<Done>,
): Promise<Done> => {
  if (typeof sent !== 'function') return use(sent)
  for (;;) {
    const readFor = current()
    try {
      return await use(await sent(), () => current() !== readFor)
    } catch (error) {
      if (!(error instanceof ModelsChanged)) throw error
    }
  }
}
