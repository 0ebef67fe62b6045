import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { HOSTILE_FILES } from './hostile-models/hostile-files.ts'

/** Of each file. */
const BYTES = 10 << 20
/** What reading one may take beside it: megabytes, and seconds of the processor. */
const MOST_MEGABYTES = 200
const MOST_SECONDS = 2

const table: string[] = []
afterAll(() => process.stdout.write(`${table.join('\n')}\n`))

describe('files that are made to cost many times their own memory', () => {
  test.each(Object.keys(HOSTILE_FILES))('are refused within 200 MB: %s', (name) => {
    const script = join(import.meta.dirname, 'hostile-models/read-one.ts')
    const args = ['--expose-gc', '--import', 'tsx', script, name, String(BYTES)]
    const { code, seconds, megabytes } = JSON.parse(
      execFileSync(process.execPath, args, { encoding: 'utf8' }),
    )
    table.push(`${name.padEnd(40)} ${seconds.toFixed(2)} s ${megabytes.toFixed(0).padStart(5)} MiB`)
    expect(code).toBe('LEARNING_IMPORT_REFUSED')
    expect(megabytes).toBeLessThan(MOST_MEGABYTES)
    expect(seconds).toBeLessThan(MOST_SECONDS)
  })
})
