import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vigiaIn } from '../end-to-end/vigia-in-process.ts'
import { mountSmallDisk } from '../small-disk.ts'

const BINARY = fileURLToPath(new URL('../../bin/vigia.mjs', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'vigia-bad-input-'))
const full = join(work, 'full')

beforeAll(() => {
  const header = 'transaction_id,user_id,timestamp,amount\n'
  const rows = Array.from({ length: 2000 }, (_, i) => `t${i},u${i % 7},2024-01-01T00:00:00Z,${i + 1}.00\n`)
  const good = header + rows.join('')
  const files: Record<string, string | Uint8Array> = {
    'good.csv': good,
    'empty.csv': '',
    'header.csv': header,
    'semicolons.csv': good.replaceAll(',', ';'),
    'broken.csv.gz': 'this is no gzip',
    'cut.csv.gz': gzipSync(good).subarray(0, 2000),
    'broken.yaml': 'project: [1, 2\n',
    'derived.yaml': 'source: { path: nowhere.csv }\nfeatures: { derived: { half: amount / } }\n',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(work, name), content)
  mkdirSync(join(work, 'folder'))
})

const disk = mountSmallDisk(full, 200)

afterAll(() => {
  disk?.unmount()
  rmSync(work, { recursive: true, force: true })
})

describe.concurrent('bad input ends with exit code 2, a code and a next step', () => {
  it.for([
    ['an empty file', 'DATASET_EMPTY', 'validate empty.csv'],
    ['a header without rows', 'DATASET_EMPTY', 'validate header.csv'],
    ['another delimiter', 'DATASET_WRONG_DELIMITER', 'validate semicolons.csv'],
    [
      'a column that is not there',
      'DATASET_COLUMN_UNKNOWN',
      'validate good.csv --set source.fields.user_id=nobody',
    ],
    ['what is no gzip', 'DATASET_COMPRESSION_BROKEN', 'validate broken.csv.gz'],
    ['gzip cut short', 'DATASET_COMPRESSION_BROKEN', 'validate cut.csv.gz'],
    ['a directory', 'DATASET_NOT_A_FILE', 'validate folder'],
    ['a missing file', 'DATASET_FILE_MISSING', 'validate nowhere.csv'],
    ['unreadable YAML', 'CONFIG_', 'run --out run-yaml --config broken.yaml'],
    ['a directory as configuration', 'CONFIG_FILE_UNREADABLE', 'run --out run-folder --config folder'],
    ['an unknown setting', 'Did you mean project.seed?', 'run --out run-key --set projct.seed=1'],
    ['a setting of another type', 'a whole number', 'run --out run-type --set project.seed=x'],
    ['an expression that is none', 'it is no CEL', 'config validate --config derived.yaml'],
    ['the same before anything is read', 'it is no CEL', 'run --out run-cel --config derived.yaml'],
    ['states that are not there', 'no such folder', 'state verify --set state_store.path=typo'],
    ['a folder without states', 'no data.mdb', 'state inspect --set state_store.path=folder'],
    ['an output folder that is none', 'DATASET_NOT_WRITABLE', 'generate --rows 100 --out /proc/x.csv'],
    ['a log that is not there', 'there is no such folder', 'parity --log nowhere'],
    ['a file as a log', 'there is no such folder', 'parity --log good.csv'],
    ['a section that is not there', 'sections: project', 'config show nowhere --changed'],
    ['two migrations at once', 'one thing at a time', 'state migrate --to none --back'],
    ['a switch of no migration', 'belongs to migrate --to', 'state migrate --switch'],
    ['a log for a migration beside its server', '--log belongs to', 'state migrate --to none --log x'],
    ['a model that is not there', 'MODEL_ARTIFACT_REFUSED', 'predict good.csv --out o.csv --model none'],
  ] as const)('%s', async ([, said, words], { expect }) => {
    const { status, stderr } = await vigiaIn(work, words.split(' '))
    expect(status).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).toContain('Next step: ')
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it.skipIf(disk === undefined)('a full disk (needs the right to mount one)', async ({ expect }) => {
    const { status, stderr } = await vigia('generate --rows 50000 --out full/x.parquet')
    expect([status, readdirSync(full)]).toEqual([2, []])
    expect(stderr).toContain('DATASET_NO_SPACE')
    expect(stderr).toContain('Next step: ')
  })
})

describe('bad input', () => {
  it('leaves nothing half written', () => {
    const left = readdirSync(work).filter((name) => name.startsWith('.') || /^(?:o\.csv|run-)/.test(name))
    expect(left.filter((name) => name !== '.vigia')).toEqual([])
  })
})

describe.concurrent('Ctrl-C', () => {
  it('leaves no file of a generation, and it can be begun again', async ({ expect }) => {
    const { status } = await vigia('generate --rows 3000000 --out many.parquet', 'many.parquet')
    expect(status).toBe(130)
    expect(readdirSync(work).filter((name) => name.includes('many.parquet'))).toEqual([])
    expect((await vigia('generate --rows 1000 --out many.parquet')).status).toBe(0)
  })

  it('leaves a run that the same command finishes', async ({ expect }) => {
    const words =
      'run --out stopped --set source.path=generated --set generate.rows=2000 --set generate.users=40 --set generate.fraud_rate=0.04 --set models.random_forest.enabled=false --set models.gradient_boosting.enabled=false'
    const { status } = await vigia(words, 'stopped')
    expect(status).toBe(130)
    expect(readdirSync(join(work, 'stopped')).filter((name) => name.startsWith('.'))).toEqual([])
    expect((await vigia(words)).status).toBe(0)
    expect(existsSync(join(work, 'stopped/score/predictions.parquet'))).toBe(true)
  })
})

/** Runs the binary; it gets a Ctrl-C as soon as a name in the working folder contains `interruptAt`. */
const vigia = (words: string, interruptAt?: string): Promise<{ status: number | null; stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [BINARY, ...words.split(' ')], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
    })
    let stderr = ''
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString()
    })
    const watching =
      interruptAt === undefined
        ? undefined
        : setInterval(() => {
            if (!readdirSync(work).some((name) => name.includes(interruptAt))) return
            clearInterval(watching)
            child.kill('SIGINT')
          }, 10)
    child.on('close', (status) => {
      clearInterval(watching)
      resolve({ status, stderr })
    })
  })
