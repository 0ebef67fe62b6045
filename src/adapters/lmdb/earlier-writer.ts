import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { MOST_DATABASES } from './lmdb-databases.ts'

/** People are told after so many milliseconds; a transaction takes a thousandth of it. */
const TELL_AFTER_MS = 3_000

/** Opens the folder and makes a transaction that changes nothing. */
const PROBE = `
const [library, path, maxDbs] = process.argv.slice(1)
require(library).open({ path, noSubdir: false, maxDbs: Number(maxDbs) }).transactionSync(() => undefined)
process.exit(0)`

/**
 * Waits until LMDB lets one write in `folder`. A process that stands still in the middle of a transaction, as
 * a paused container does, keeps the lock of LMDB, which no lease can take from it: opening the folder stands
 * still too, and with it the thread that opens. So another process tries first.
 *
 * @param tell told once when it takes long
 */
export const awaitEarlierWriter = async (
  folder: string,
  tell: () => void,
  tellAfterMs = TELL_AFTER_MS,
): Promise<void> => {
  const library = createRequire(import.meta.url).resolve('lmdb')
  const probe = spawn(process.execPath, ['-e', PROBE, library, folder, String(MOST_DATABASES)], {
    stdio: 'ignore',
  })
  const kill = () => void probe.kill('SIGKILL')
  process.once('exit', kill)
  const timer = setTimeout(tell, tellAfterMs)
  // Whatever else keeps it from opening is told to whoever opens the folder afterwards.
  await once(probe, 'exit').catch(() => undefined)
  clearTimeout(timer)
  process.off('exit', kill)
}
