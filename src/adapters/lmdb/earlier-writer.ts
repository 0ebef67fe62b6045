import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { MOST_DATABASES } from './lmdb-databases.ts'

/** People are told after so many milliseconds; a transaction takes a thousandth of it. */
const TELL_AFTER_MS = 3_000

/** Looks again after so many milliseconds whether a process is gone. */
const LOOK_AGAIN_MS = 500

/**
 * Opens the folder, makes a transaction that changes nothing, and waits until no process with the id of the
 * one that asks has the folder open: LMDB knows its readers by their ids, and forgets those that have ended.
 */
const PROBE = `
const [library, path, maxDbs, asking, lookAgainMs] = process.argv.slice(1)
const root = require(library).open({ path, noSubdir: false, maxDbs: Number(maxDbs) })
root.transactionSync(() => undefined)
const look = () => {
  root.readerCheck()
  const isOpen = root.readerList().split('\\n').some((line) => line.trim().split(/\\s+/)[0] === asking)
  if (isOpen) setTimeout(look, Number(lookAgainMs))
  else process.exit(0)
}
look()`

/**
 * Waits until LMDB lets one write in `folder`. A process that stands still in the middle of a transaction, as
 * a paused container does, keeps the lock of LMDB, which no lease can take from it: opening the folder stands
 * still too, and with it the thread that opens. So another process tries first. And one that stands still
 * anywhere, with the same process id in another container, keeps this one from reading for as long as it is
 * there: LMDB takes them for one process.
 *
 * @param tell told once when it takes long
 * @param processId of the process that will open the folder
 */
export const awaitEarlierWriter = async (
  folder: string,
  tell: () => void,
  tellAfterMs = TELL_AFTER_MS,
  processId = process.pid,
): Promise<void> => {
  const library = createRequire(import.meta.url).resolve('lmdb')
  const numbers = [MOST_DATABASES, processId, LOOK_AGAIN_MS].map(String)
  const probe = spawn(process.execPath, ['-e', PROBE, library, folder, ...numbers], { stdio: 'ignore' })
  const kill = () => void probe.kill('SIGKILL')
  process.once('exit', kill)
  const timer = setTimeout(tell, tellAfterMs)
  // Whatever else keeps it from opening is told to whoever opens the folder afterwards.
  await once(probe, 'exit').catch(() => undefined)
  clearTimeout(timer)
  process.off('exit', kill)
}
