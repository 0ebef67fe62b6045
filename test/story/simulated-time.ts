import { closeSync, openSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A clock of a test, which programs read that are started with its `environment`. */
export interface SimulatedTime {
  /** Of the programs that read it. */
  readonly environment: Readonly<Record<string, string>>
  /** What it shows, epoch milliseconds. */
  now(): number
  /** How far it is ahead of this machine's clock, milliseconds. */
  aheadMs(): number
  /** Sets it forward; a time that it has passed leaves it as it is. */
  moveTo(ms: number): void
  close(): void
}

/** @param beginMs what it shows first */
export const openSimulatedTime = (folder: string, beginMs: number): SimulatedTime => {
  const path = join(folder, 'clock')
  const file = openSync(path, 'w+')
  let aheadMs = 0
  const show = (ms: number): void => {
    aheadMs = Math.round(ms - Date.now())
    // All of it in one write: who reads it sees one time or the other.
    writeSync(file, String(aheadMs).padStart(16), 0)
  }
  show(beginMs)
  const now = (): number => Date.now() + aheadMs
  return {
    environment: {
      VIGIA_SIMULATED_CLOCK: path,
      NODE_OPTIONS: `--import=${pathToFileURL(resolve('test/story/simulated-clock.mjs')).href}`,
    },
    now,
    aheadMs: () => aheadMs,
    moveTo: (ms) => {
      if (ms > now()) show(ms)
    },
    close: () => closeSync(file),
  }
}
