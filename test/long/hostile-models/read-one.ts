import { readForeignModel } from '../../../src/learning/imported/read-foreign-model.ts'
import { HOSTILE_FILES } from './hostile-files.ts'

/*
 * Reads one hostile file, and says what that took: node --expose-gc --import tsx read-one.ts NAME BYTES
 */
const [name = '', bytes = ''] = process.argv.slice(2)
const file = Uint8Array.from(HOSTILE_FILES[name]!(Number(bytes)))
globalThis.gc?.()
const before = process.memoryUsage().rss
const started = process.cpuUsage()
let code: unknown
try {
  readForeignModel(file)
} catch (error) {
  code = (error as { code?: unknown }).code
}
const { user, system } = process.cpuUsage(started)
const megabytes = (process.resourceUsage().maxRSS * 1024 - before) / 2 ** 20
process.stdout.write(JSON.stringify({ code, seconds: (user + system) / 1e6, megabytes }))
