import { openSync, readSync } from 'node:fs'

/*
 * Loaded before a program (`NODE_OPTIONS=--import …`), and before every process and thread that it starts:
 * their `Date` tells the time of the file `VIGIA_SIMULATED_CLOCK`, which has by how many milliseconds it is
 * ahead of the clock of this machine. It runs at the same pace, and jumps when the test says so; timers and
 * `performance` are left alone.
 */

const file = process.env.VIGIA_SIMULATED_CLOCK
if (file !== undefined) {
  const RealDate = Date
  const realNow = Date.now
  const descriptor = openSync(file, 'r')
  const text = Buffer.alloc(16)
  let aheadMs = 0
  let readAt = Number.NEGATIVE_INFINITY
  const now = () => {
    // A jump is seen within a millisecond; a decision asks many times.
    if (performance.now() - readAt > 1) {
      readSync(descriptor, text, 0, 16, 0)
      aheadMs = Number(text.toString('latin1'))
      readAt = performance.now()
    }
    return realNow() + aheadMs
  }
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, words, newTarget) =>
      Reflect.construct(target, words.length === 0 ? [now()] : words, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
}
