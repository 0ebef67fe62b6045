import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeOwnerFolder } from './owner-folder.ts'

test('an owner makes names and removes them, and leaves nothing else', () => {
  const folder = newFolder()
  const names = makeOwnerFolder(folder)
  const path = join(folder, 'a')
  place(names, path, 'text')
  expect(readFileSync(path, 'utf8')).toBe('text')
  names.remove(path)
  names.remove(path)
  names.close()
  expect(readdirSync(folder)).toEqual([])
})

test('nothing is put in the place of a file', () => {
  const folder = newFolder()
  const names = makeOwnerFolder(folder)
  const path = join(folder, 'a')
  place(names, path, 'first')
  expect(() => place(names, path, 'second')).toThrow('is there already')
  expect(readFileSync(path, 'utf8')).toBe('first')
})

test('an owner that was ousted, whatever it had prepared, makes no name and removes none', () => {
  const folder = newFolder()
  const ousted = makeOwnerFolder(folder)
  const draft = ousted.draft()
  writeFileSync(draft, 'old')
  const names = makeOwnerFolder(folder)
  place(names, join(folder, 'a'), 'new')
  expect(() => ousted.place(draft, join(folder, 'b'))).toThrow('ENOENT')
  expect(() => ousted.remove(join(folder, 'a'))).toThrow('ENOENT')
  expect(() => writeFileSync(ousted.draft(), 'old')).toThrow('ENOENT')
  ousted.close()
  expect(existsSync(join(folder, 'b'))).toBe(false)
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new')
  place(names, join(folder, 'b'), 'new')
})

const place = (names: ReturnType<typeof makeOwnerFolder>, path: string, text: string): void => {
  const draft = names.draft()
  writeFileSync(draft, text)
  names.place(draft, path)
}

const root = mkdtempSync(join(tmpdir(), 'vigia-owner-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const newFolder = (): string => mkdtempSync(join(root, 'log-'))
