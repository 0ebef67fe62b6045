import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openStoreFolder } from './store-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-folder-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const store = openStoreFolder(root, () => Date.now())

test('what is in the way of a new file may vanish before it is looked at', () => {
  // To make it fails, to look at it finds nothing: as with a lock that another process removes between the
  // two.
  symlinkSync(join(root, 'nowhere'), join(root, 'vanishing'))
  expect(store.writeOnce(join(root, 'vanishing'), 'text')).toBe(false)
})

test('a folder that is being made is none that MLflow takes for an experiment', () => {
  let seen: string[] = []
  const files = {
    get 'meta.yaml'() {
      seen = readdirSync(store.bin).flatMap((name) => readdirSync(join(store.bin, name)))
      return 'a: 1\n'
    },
  }
  expect(store.makeFolder(join(root, 'made'), files, ['tags'])).toBe(true)
  expect(seen).toEqual(['folder'])
  expect(readdirSync(join(root, 'made')).sort()).toEqual(['meta.yaml', 'tags'])
  expect(readdirSync(store.bin)).toEqual([])
})

test('a key that would be a file and a folder is refused, and nothing is left of it', () => {
  expect(() => store.makeFolder(join(root, 'both'), { 'tags/a/b': '1', 'tags/a': '2' }, [])).toThrow(
    expect.objectContaining({ code: 'TRACKING_NAME_INVALID' }),
  )
  expect(readdirSync(store.bin)).toEqual([])
  expect(readdirSync(root)).not.toContain('both')
})
