// A process that answers as it is asked to, for run-in-process.test.ts.
import { getPriority } from 'node:os'

const built = process.env.VIGIA_BUILT_WORKERS === 'true'
const { answerProcess } = await import(
  built ? '../../dist/threads/run-in-process.js' : '../../src/threads/run-in-process.ts'
)
const { VigiaError } = await import(built ? '../../dist/errors.js' : '../../src/errors.ts')

answerProcess(async ({ how }, ask) => {
  if (how === 'refuse') throw new VigiaError('DURATION_INVALID', { got: '7 apples' })
  if (how === 'fail') throw new TypeError('seven apples')
  if (how === 'end') process.exit(3)
  if (how === 'hang') return new Promise(() => setInterval(() => undefined, 1000))
  if (how === 'ask') {
    const answers = await Promise.all([ask({ of: 'shadow' }), ask({ of: 'canary' })])
    const refused = await ask({ of: 'nothing' }).catch(({ code, details }) => ({ code, details }))
    return { answers, refused }
  }
  return { priority: getPriority(), processId: process.pid, word: process.env.WORD }
})
