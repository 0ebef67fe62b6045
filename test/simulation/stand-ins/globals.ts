import type { Due } from '../due-queue.ts'
import { isSimulating, theMachine } from '../machine.ts'

/*
 * What bundled code sees in the place of Node's timers and clocks. Outside of a run, as while modules are
 * loaded, time stands still.
 */

interface Timer {
  unref(): Timer
  due: Due
}

const timerOf = (due: Due): Timer => {
  const timer: Timer = { due, unref: () => timer }
  return timer
}

const simulatedTimeout = (run: () => void, delayMs = 0): Timer => timerOf(theMachine().after(delayMs, run))

const simulatedInterval = (run: () => void, everyMs: number): Timer => {
  const { process } = theMachine()
  const again = (): Due =>
    theMachine().after(
      everyMs,
      () => {
        timer.due = again()
        run()
      },
      process,
    )
  const timer = timerOf(again())
  return timer
}

const simulatedImmediate = (run: () => void): Timer => timerOf(theMachine().immediately(run))

const clearSimulated = (timer: Timer | undefined): void => {
  if (timer !== undefined) timer.due.isOff = true
}

export const simulatedDateNow = (): number => (isSimulating() ? theMachine().wallMs : 0)
export const simulatedPerformanceNow = (): number => (isSimulating() ? theMachine().nowMs : 0)
export const simulatedMathRandom = (): number => 0.5

export {
  clearSimulated as clearInterval,
  clearSimulated as clearTimeout,
  simulatedImmediate as setImmediate,
  simulatedInterval as setInterval,
  simulatedTimeout as setTimeout,
}
