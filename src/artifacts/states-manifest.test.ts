import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SNAPSHOT_FILES } from './state-snapshot.ts'
import { publishStates, readStates } from './states-manifest.ts'

describe('states beside an artifact', () => {
  const identity = { layouts: 'l', features: 'f', fitted: 'v' }
  let from: string
  let to: string
  beforeEach(async () => {
    from = mkdtempSync(join(tmpdir(), 'states-'))
    to = mkdtempSync(join(tmpdir(), 'states-'))
    for (const name of SNAPSHOT_FILES) writeFileSync(join(from, name), `bytes of ${name}`)
    await publishStates(from, to, identity, 1_700_000_000_000)
  })
  afterEach(() => {
    for (const folder of [from, to]) rmSync(folder, { recursive: true })
  })

  test('are found with the time of their last transaction, without the folder they came from', async () => {
    rmSync(join(from, 'user.states'))
    expect(await readStates(to, identity)).toMatchObject({ lastEventTimeMs: 1_700_000_000_000, ...identity })
  })

  test('are none where there is no manifest', async () => {
    expect(await readStates(from, identity)).toBeUndefined()
  })

  test.each([...SNAPSHOT_FILES])('are refused when %s has other bytes', async (name) => {
    appendFileSync(join(to, name), '!')
    await expect(readStates(to, identity)).rejects.toThrow(
      `${name}: its SHA-256 is not the one in states.json`,
    )
  })

  test('are refused when a file is missing', async () => {
    rmSync(join(to, 'device.states'))
    await expect(readStates(to, identity)).rejects.toThrow('device.states: it is missing')
  })

  test.each([
    ['layouts', 'windows or bounds'],
    ['features', 'features'],
    ['fitted', 'vocabularies or amount bands'],
  ])('are refused by a model of other %s', async (name, what) => {
    await expect(readStates(to, { ...identity, [name]: 'another' })).rejects.toThrow(
      `states.json: they were made with other ${what} than the model`,
    )
  })

  test('are refused when the manifest is damaged', async () => {
    const path = join(to, 'states.json')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20))
    await expect(readStates(to, identity)).rejects.toThrow('states.json: it ')
  })
})
