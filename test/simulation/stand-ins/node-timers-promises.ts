import { theMachine } from '../machine.ts'

/* `node:timers/promises` of the simulation. */
export const setTimeout = (delayMs: number): Promise<void> => theMachine().pause(delayMs)
