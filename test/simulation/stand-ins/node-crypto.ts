import { theMachine } from '../machine.ts'

/* `node:crypto` of the simulation: what is random there comes from the seed here. */
export { createHash } from 'node:crypto'
export const randomUUID = (): string => theMachine().newName()
