import { parentPort, workerData } from 'node:worker_threads'
import { type Algorithm, fitAlone } from '../learning/algorithm.ts'
import { ALGORITHMS } from '../learning/algorithms/index.ts'
import type { ModelKind } from '../learning/model.ts'
import { takeRows } from '../learning/search/take-rows.ts'
import type {
  CrewThreadData,
  FitJob,
  FromLearningThread,
  LabelledTable,
  LearningThreadData,
  ToFitsThread,
} from './learning-messages.ts'
import { scoreTable } from './score-table.ts'
import { threadCrew } from './thread-crew.ts'

const thread = workerData as LearningThreadData
const algorithms: typeof ALGORITHMS =
  thread.algorithms === undefined ? ALGORITHMS : (await import(thread.algorithms)).ALGORITHMS

const answer = (message: FromLearningThread): void => parentPort?.postMessage(message)

const algorithmNamed = (name: ModelKind): Algorithm<unknown> => algorithms[name] as Algorithm<unknown>

const fitInCrew = ({
  algorithm,
  data,
  settings,
  seed,
  index,
  size,
  parts,
  control,
}: CrewThreadData): void => {
  const crew = threadCrew({
    index,
    size,
    parts,
    control,
    reportProgress: (done, total) => {
      if (index === 0) answer({ kind: 'progress', done, total })
    },
  })
  answer({ kind: 'part', part: algorithmNamed(algorithm).fit(data, settings, seed, crew) })
}

const fitAndScore = (
  { table, labels }: LabelledTable,
  { algorithm, settings, seed, training, scored }: FitJob,
): Float64Array => {
  const judged = takeRows(table, labels, scored)
  const data = { ...takeRows(table, labels, training), validation: judged }
  return scoreTable(fitAlone(algorithmNamed(algorithm), data, settings, seed), judged.table)
}

// Listening keeps the thread until it is ended from outside: a thread that ends by itself is always a
// failure.
parentPort?.on('message', ({ number, job }: ToFitsThread) => {
  if (thread.kind === 'fits') answer({ kind: 'scores', job: number, scores: fitAndScore(thread.rows, job) })
})
if (thread.kind === 'crew') fitInCrew(thread)
