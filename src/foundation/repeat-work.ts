/** Does `work` and waits, again and again, until the signal is aborted; what is under way is finished. */
export const repeatWork = async (
  signal: AbortSignal,
  work: () => Promise<void>,
  pause: () => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    await work()
    await pause()
  }
}

/** Work that never fails: what goes wrong is told, the same once until it went well. */
export const tellingTrouble = (
  onTrouble: (error: unknown) => void,
  work: () => Promise<void>,
): (() => Promise<void>) => {
  let last = ''
  return async () => {
    try {
      await work()
      last = ''
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error)
      if (trouble !== last) onTrouble(error)
      last = trouble
    }
  }
}
