import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { testFigures } from './look-figures.test-kit.ts'
import { untoldLooks } from './untold-looks.ts'

const LOOK = { model: 'fraud', monitor: 'daily', everyMs: 86_400_000, kinds: ['drift'], findings: [] }
const at = (atMs: number) => ({ atMs, look: { ...LOOK, id: String(atMs) }, figures: testFigures() })

test('are listed as they were kept, the oldest first, until they are removed', async () => {
  const { folder, remove } = testFolder()
  const untold = untoldLooks(join(folder, 'untold'))
  expect(await untold.list()).toEqual([])
  await untold.keep(at(10_000))
  await untold.keep(at(9_000))
  await untold.keep(at(9_000))
  expect(await untoldLooks(join(folder, 'untold')).list()).toEqual([at(9_000), at(10_000)])
  await untold.remove(9_000)
  await untold.remove(9_000)
  expect(await untold.list()).toEqual([at(10_000)])
  remove()
})

test('one that a power failure has cut short is removed, and a file of others stays', async () => {
  const { folder, remove } = testFolder()
  writeFileSync(join(folder, '9000.json'), '{"look":')
  writeFileSync(join(folder, 'README.txt'), '')
  expect(await untoldLooks(folder).list()).toEqual([])
  expect(readdirSync(folder)).toEqual(['README.txt'])
  remove()
})

test('one that is refused lies apart with the reason, and is listed no more', async () => {
  const { folder, remove } = testFolder()
  const untold = untoldLooks(folder)
  await untold.keep(at(9_000))
  await untold.keep(at(10_000))
  await untold.setAside(at(9_000), 'no findings')
  expect(await untold.list()).toEqual([at(10_000)])
  const refused: unknown = JSON.parse(readFileSync(join(folder, 'refused', '9000.json'), 'utf8'))
  expect(refused).toEqual({ ...at(9_000), reason: 'no findings' })
  remove()
})
