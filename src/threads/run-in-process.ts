import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { VigiaError } from '../errors.ts'
import { asRegistryError } from './registry-error.ts'
import { builtModule, runsSources, typeScriptLoader } from './runs-sources.ts'

/** What a process of its own is asked to do. */
export interface ProcessWork {
  /** The module that `answerProcess` is called in, by its URL in the sources. */
  readonly module: URL
  /** Plain data. */
  readonly request: object
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Most memory of JavaScript objects, MiB. */
  readonly heapMiB: number
  /** Ends the process at once. */
  readonly signal: AbortSignal
  /** Answers what it asks while it works, plain data both ways; left out: it asks nothing. */
  readonly answer?: (question: object) => Promise<unknown>
}

/** A process that has ended without an answer. */
export class ProcessEnded extends Error {
  constructor(how: string, stderr: string) {
    const last = stderr.trim().split('\n').at(-1) ?? ''
    super(last === '' ? how : `${how}: ${last}`)
    this.name = 'ProcessEnded'
  }
}

type Reply =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly code: string; readonly details: VigiaError['details'] }
  | { readonly kind: 'failed'; readonly message: string }

/** What the process asks meanwhile, by a number of its own. */
interface Question {
  readonly kind: 'asks'
  readonly number: number
  readonly question: object
}

interface Answer {
  readonly number: number
  readonly reply: Reply
}

/** Behind whatever answers somebody: the scheduler gives it what is left of the processors. */
const NICENESS = 10
const LONGEST_STDERR = 4000

/**
 * Lets a process of its own do work, beside this one: its memory is its own and is given back at its end, it
 * stands behind this one where processors are short, and what goes wrong in it ends it alone.
 *
 * @throws the error of the registry that it ended with, `ProcessEnded`, the reason of the signal
 */
export const runInProcess = async <Result>(work: ProcessWork): Promise<Result> => {
  work.signal.throwIfAborted()
  const child = start(work)
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-LONGEST_STDERR)
  })
  const end = () => child.kill('SIGKILL')
  work.signal.addEventListener('abort', end)
  try {
    const reply = await new Promise<Reply>((resolve, reject) => {
      child.on('message', (message) => {
        const told = message as Reply | Question
        if (told.kind === 'asks') void answerTo(child, told, work)
        else resolve(told)
      })
      child.on('error', reject)
      child.once('exit', (code, signal) =>
        reject(
          new ProcessEnded(code === null ? `it was ended by ${signal}` : `it ended with ${code}`, stderr),
        ),
      )
      child.send(work.request)
    })
    return resultOf(reply) as Result
  } catch (error) {
    work.signal.throwIfAborted()
    throw error
  } finally {
    work.signal.removeEventListener('abort', end)
    end()
  }
}

/** Who asked may be gone when the answer is there: then nobody waits for it. */
const answerTo = async (
  child: ChildProcess,
  { number, question }: Question,
  { answer = () => Promise.reject(new Error('nobody answers it')) }: ProcessWork,
): Promise<void> => {
  const reply = await replyOf(() => answer(question))
  if (child.connected) child.send({ number, reply } satisfies Answer, () => undefined)
}

const replyOf = (work: () => Promise<unknown>): Promise<Reply> =>
  work().then(
    (result): Reply => ({ kind: 'done', result }),
    (error: unknown): Reply =>
      error instanceof VigiaError
        ? { kind: 'refused', code: error.code, details: error.details }
        : { kind: 'failed', message: error instanceof Error ? error.message : String(error) },
  )

const resultOf = (reply: Reply): unknown => {
  if (reply.kind === 'done') return reply.result
  if (reply.kind === 'failed') throw new ProcessEnded(reply.message, '')
  throw asRegistryError(reply) ?? new ProcessEnded(reply.code, '')
}

const start = ({ module, environment, heapMiB }: ProcessWork): ChildProcess => {
  const child = fork(fileURLToPath(runsSources ? module : builtModule(module)), [], {
    execArgv: [
      `--max-old-space-size=${heapMiB}`,
      // Otherwise Node.js 24 lets the young generation take a hundred more.
      '--max-semi-space-size=8',
      ...(runsSources ? ['--import', typeScriptLoader()] : []),
    ],
    env: { ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  try {
    // Threads that it starts stand where it does, so it comes before them.
    if (child.pid !== undefined) setPriority(child.pid, NICENESS)
  } catch {
    // It has ended already, or the system has no such order: it works all the same.
  }
  return child
}

/** Asks whoever has started this process. @throws what it answers with */
export type Ask = (question: object) => Promise<unknown>

/**
 * The other side of `runInProcess`: waits for the request, works and answers. Ends when whoever asked lets go
 * of it, or is gone.
 */
export const answerProcess = <Request, Result>(
  work: (request: Request, ask: Ask) => Promise<Result>,
): void => {
  yieldMemory()
  process.once('disconnect', () => process.exit(1))
  process.once('message', async (request) => {
    const reply = await replyOf(() => work(request as Request, openAsking()))
    process.send?.(reply)
  })
}

const openAsking = (): Ask => {
  const waiting = new Map<number, (reply: Reply) => void>()
  let last = 0
  process.on('message', (message) => {
    const { number, reply } = message as Answer
    waiting.get(number)?.(reply)
    waiting.delete(number)
  })
  return async (question) => {
    const number = ++last
    const reply = await new Promise<Reply>((resolve) => {
      waiting.set(number, resolve)
      process.send?.({ kind: 'asks', number, question } satisfies Question)
    })
    return resultOf(reply)
  }
}

/** Where memory runs out, Linux ends this process and not the one that answers somebody. */
const yieldMemory = (): void => {
  try {
    writeFileSync('/proc/self/oom_score_adj', '800')
  } catch {
    // Another system, or one that does not let it.
  }
}
