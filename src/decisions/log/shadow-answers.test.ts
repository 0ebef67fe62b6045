import { mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testFolder } from '../inference.test-kit.ts'
import {
  encodeShadowAnswer,
  findShadowAnswer,
  readShadowAnswers,
  type ShadowAnswer,
  shadowSegments,
  shadowsFolder,
  shadowsPath,
  withShadowAnswer,
} from './shadow-answers.ts'

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  mkdirSync(shadowsFolder(folder))
})
afterEach(() => remove())

const answer = (sequence: number, probability = 1 / 3): ShadowAnswer => ({
  sequence,
  decidedAtMs: 1000 + sequence,
  model: '0f3a9c1b22d47e60',
  probability,
  isFlagged: probability > 0.5,
})
const write = (segment: string, text: string) => writeFileSync(shadowsPath(folder, segment), text)
const lines = (...answers: readonly ShadowAnswer[]) => answers.map(encodeShadowAnswer).join('')

describe('answers of shadows beside a log', () => {
  test('are read as they were written, to the last bit', async () => {
    const answers = [answer(1, 0.1 + 0.2), answer(2, 5e-324), answer(4, 1 - 2 ** -53)]
    write('000000000001.log', lines(...answers))
    expect([...(await readShadowAnswers(folder, '000000000001.log')).values()]).toEqual(answers)
    expect(await findShadowAnswer(folder, 4, { decidedAtMs: 1004 })).toEqual(answers[2])
  })

  test('are none where there is no file', async () => {
    expect((await readShadowAnswers(folder, '000000000001.log')).size).toBe(0)
    remove()
    expect(await findShadowAnswer(folder, 4, { decidedAtMs: 1004 })).toBeUndefined()
    expect(await shadowSegments(folder)).toEqual([])
  })

  test('lack the half line of a process that was killed, and have what the next one writes', async () => {
    const whole = encodeShadowAnswer(answer(2))
    const halves = Array.from({ length: whole.length - 2 }, (_, bytes) => whole.slice(0, bytes + 1))
    write('000000000001', `${lines(answer(1))}${halves.join('\n')}\n${lines(answer(3))}`)
    expect([...(await readShadowAnswers(folder, '000000000001')).keys()]).toEqual([1, 3])
  })

  test('lack a line of which any bit was turned over', async () => {
    const line = Buffer.from(encodeShadowAnswer(answer(7)))
    const turned = Array.from({ length: 8 * (line.length - 1) }, (_, bit) => {
      const bytes = Buffer.from(line)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return bytes
    })
    const all = Buffer.concat([...turned, Buffer.from(lines(answer(8)))])
    writeFileSync(shadowsPath(folder, '000000000001'), all)
    expect([...(await readShadowAnswers(folder, '000000000001')).keys()]).toEqual([8])
  })

  test('are the first of several about one decision', async () => {
    write('000000000001', lines(answer(1, 0.25), answer(1, 0.75)))
    expect((await readShadowAnswers(folder, '000000000001')).get(1)?.probability).toBe(0.25)
    expect((await findShadowAnswer(folder, 1, { decidedAtMs: 1001 }))?.probability).toBe(0.25)
  })

  test('are found in the file of the segment that has the decision', async () => {
    write('000000000001', lines(answer(1), answer(9)))
    write('000000000010', lines(answer(10), answer(12)))
    expect(await shadowSegments(folder)).toEqual(['000000000001', '000000000010'])
    expect((await findShadowAnswer(folder, 9, { decidedAtMs: 1009 }))?.sequence).toBe(9)
    expect((await findShadowAnswer(folder, 12, { decidedAtMs: 1012 }))?.sequence).toBe(12)
    expect(await findShadowAnswer(folder, 11, { decidedAtMs: 1011 })).toBeUndefined()
  })

  test('are not of another decision that got the number after a power failure', async () => {
    write('000000000001', lines(answer(1)))
    expect(await findShadowAnswer(folder, 1, { decidedAtMs: 5000 })).toBeUndefined()
    const answers = await readShadowAnswers(folder, '000000000001')
    const decided = (decidedAtMs: number) =>
      ({ kind: 'decision', sequence: 1, vector: new Float64Array(0), decision: { decidedAtMs } }) as never
    expect(withShadowAnswer(decided(5000), answers)).toEqual(decided(5000))
    expect(withShadowAnswer(decided(1001), answers)).toMatchObject({
      decision: { shadow: { model: '0f3a9c1b22d47e60', probability: 1 / 3, isFlagged: false } },
    })
  })

  test('do not replace what the record of the decision says', async () => {
    write('000000000001', lines(answer(1)))
    const shadow = { model: 'other', probability: 0.5, isFlagged: true }
    const entry = {
      kind: 'decision',
      sequence: 1,
      vector: new Float64Array(0),
      decision: { decidedAtMs: 1001, shadow },
    } as never
    expect(withShadowAnswer(entry, await readShadowAnswers(folder, '000000000001'))).toBe(entry)
  })
})
