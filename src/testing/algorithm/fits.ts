import { equal, notEqual, ok } from 'node:assert/strict'
import { fitAlone } from '../../learning/algorithm.ts'
import { refusesAtOnce, same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { problem } from '../learning-problems.ts'
import { type AlgorithmSubject, type Changes, law } from './algorithm-law.ts'

/** Of a fit: what decides it, and how it is watched and ended. */
export const fitLaws: readonly Law<AlgorithmSubject>[] = [
  law(1, 'the same data, settings and seed give the same bytes', ({ learn }) => {
    const data = problem(300)
    equal(JSON.stringify(learn(data)), JSON.stringify(learn(data)))
  }),
  law(
    1,
    'another seed gives another model where something is always drawn, and else the same bytes',
    (tools) => {
      const withSeed = (seed: number) => JSON.stringify(tools.learn(problem(300), { seed }))
      equal(withSeed(1) === withSeed(2), !drawsAnyway(tools.subject))
    },
  ),
  law(
    1,
    'where something is drawn, the seed decides what',
    ({ subject, learn }) => {
      const changes = subject.drawing as Changes
      const withSeed = (seed: number) => JSON.stringify(learn(problem(300), { ...changes, seed }))
      equal(withSeed(1), withSeed(1))
      notEqual(withSeed(1), withSeed(2))
    },
    ({ drawing }) => (typeof drawing === 'string' ? drawing : undefined),
  ),
  law(7, 'what it learns from is left as it was', ({ learn }) => {
    const data = problem(100)
    const weighted = { ...data, weights: new Float64Array(100).fill(2) }
    const before = structuredClone(weighted)
    learn(weighted, { classWeight: 'balanced' })
    same(weighted, before)
  }),
  law(7, 'an interruption ends it', ({ subject: { algorithm, settings } }) => {
    const tools = { isCancelled: () => true }
    refusesAtOnce(() => fitAlone(algorithm, problem(200), settings as never, 7, tools), 'INTERRUPTED')
  }),
  law(7, 'progress rises and never passes the total', ({ subject: { algorithm, settings } }) => {
    const told: number[] = []
    const reportProgress = (done: number, total: number) => told.push(done / total)
    fitAlone(algorithm, problem(200), settings as never, 7, { reportProgress })
    ok(told.length > 1, `progress was told ${told.length} times`)
    same(
      told,
      told.toSorted((a, b) => a - b),
    )
    ok(told.at(-1)! <= 1, `the last progress is ${told.at(-1)} of 1`)
  }),
]

const drawsAnyway = ({ drawing }: AlgorithmSubject): boolean =>
  typeof drawing !== 'string' && Object.keys(drawing).length === 0
