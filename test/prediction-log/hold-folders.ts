// Tries to hold one folder after the other, each at the moment at which others try: hold-folders.ts <root>
// <folders> <start, ms>. Tells which it got, as JSON, and lives on.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { holdFolder } from '../../src/adapters/files/hold-folder.ts'
import { VigiaError } from '../../src/errors.ts'

const EVERY_MS = 4

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

const [root = '', folders = '0', startMs = '0'] = process.argv.slice(2)
const got: number[] = []
for (let round = 0; round < Number(folders); round++) {
  while (Date.now() < Number(startMs) + round * EVERY_MS);
  try {
    holdFolder(join(root, String(round)), { processId: process.pid, host: hostname(), isAlive })
    got.push(round)
  } catch (error) {
    if (!(error instanceof VigiaError && error.code === 'SERVING_FOLDER_IN_USE')) throw error
  }
}
process.stdout.write(`${JSON.stringify(got)}\n`)
setInterval(() => undefined, 1000)
