import { randomUUID } from 'node:crypto'
import type { World } from '../foundation/world.ts'

/** The world as this machine tells it; `monotonicMs` counts from the start of the process. */
export const systemWorld: World = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: () => randomUUID(),
}
