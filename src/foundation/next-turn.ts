/** Resolves in a turn of the event loop of its own: whatever waits has its turn first. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
