import { expect, it } from 'vitest'
import { numbered } from './numbered.ts'

it('names are numbered as they appear, equal ones alike', () =>
  expect([...numbered(['b', 'a', 'b', 'c'])]).toEqual([0, 1, 0, 2]))
