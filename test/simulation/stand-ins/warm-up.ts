/* Warming up makes the first decisions of a real server faster, and changes nothing. */
export const warmUp = (): void => undefined
