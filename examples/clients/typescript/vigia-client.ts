import { setTimeout as wait } from 'node:timers/promises'
import type {
  BatchRow,
  Label,
  LabelsAnswer,
  LoggedPrediction,
  Operations,
  Prediction,
  RowError,
  Transaction,
  TransactionAnswer,
} from './vigia-api.ts'

export interface VigiaClientOptions {
  /** `http://127.0.0.1:8000` */
  readonly url: string
  /** API key; none by default. */
  readonly key?: string
  /** For how long a request is tried again before its error is thrown, milliseconds (default: 30,000). */
  readonly patienceMs?: number
  /** After so long without an answer a try has failed, milliseconds (default: 10,000). */
  readonly timeoutMs?: number
}

/**
 * A client that sends again what may be sent again. Everything here may: a transaction is decided on once,
 * however often it comes.
 */
export interface VigiaClient {
  sampleTransaction(): Promise<TransactionAnswer>
  /** @param reasons how many reasons to give (default: 0) */
  predict(transaction: Transaction, reasons?: number): Promise<Prediction>
  /**
   * Decides on any number of transactions. Answers come in their order while further ones are sent, also when
   * the connection breaks.
   */
  predictLines(transactions: Iterable<Transaction> | AsyncIterable<Transaction>): AsyncGenerator<BatchRow>
  giveFeedback(labels: readonly Label[]): Promise<LabelsAnswer>
  /** @param id a prediction id or a transaction id */
  getPrediction(id: string): Promise<LoggedPrediction>
}

/** What the server refused; `code` is for programs (docs/errors.md), `fix` for people. */
export class VigiaError extends Error {
  readonly status: number
  readonly code: string
  readonly fix: string
  /** Seconds after which the server would take it; undefined when it did not say. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: number,
    { code, message, fix }: Omit<RowError, 'problems'>,
    retryAfterSeconds?: number,
  ) {
    super(`${status} ${code}: ${message}`)
    this.status = status
    this.code = code
    this.fix = fix
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export const createVigiaClient = (options: VigiaClientOptions): VigiaClient => {
  const { key, patienceMs = 30_000, timeoutMs = 10_000 } = options
  const url = options.url.replace(/\/+$/, '')
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }

  const ask = <Name extends JsonOperation>(
    method: Operations[Name]['method'],
    path: string,
    body?: BodyOf<Name>,
  ): Promise<AnswerOf<Name>> => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return withRetries(createPatience(patienceMs), async () => {
      const response = await fetch(url + path, {
        method,
        headers: { ...authorization, ...(text !== undefined && { 'content-type': 'application/json' }) },
        ...(text !== undefined && { body: text }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw await errorOf(response)
      return (await response.json()) as AnswerOf<Name>
    })
  }

  async function* predictLines(
    transactions: Iterable<Transaction> | AsyncIterable<Transaction>,
  ): AsyncGenerator<BatchRow> {
    const unanswered = createUnanswered(transactions)
    let patience = createPatience(patienceMs)
    while (!unanswered.isDone()) {
      try {
        for await (const row of stream(unanswered)) {
          unanswered.answered()
          patience = createPatience(patienceMs)
          yield row
        }
        if (!unanswered.isDone()) throw new TypeError('the answers ended before the transactions')
      } catch (error) {
        unanswered.throwFailure()
        // A connection may end because there was nothing to send for long.
        if (!unanswered.isWaiting()) patience = createPatience(patienceMs)
        await patience(error)
      }
    }
  }

  /** One request, whose answers are read while it is sent. */
  async function* stream(unanswered: Unanswered): AsyncGenerator<BatchRow> {
    const ended = new AbortController()
    let timer = setTimeout(() => ended.abort(), timeoutMs)
    try {
      const response = await fetch(`${url}/predict/batch`, {
        method: 'POST',
        headers: { ...authorization, 'content-type': 'application/x-ndjson' },
        body: unanswered.lines(),
        duplex: 'half',
        signal: ended.signal,
      })
      if (!response.ok) throw await errorOf(response)
      for await (const line of linesOf(response)) {
        // Whoever reads the rows may take his time.
        clearTimeout(timer)
        yield JSON.parse(line) as BatchRow
        timer = setTimeout(() => ended.abort(), timeoutMs)
      }
    } finally {
      clearTimeout(timer)
      ended.abort()
    }
  }

  return {
    sampleTransaction: async () => {
      const sample = await ask<'sampleTransaction'>('GET', '/sample-transaction')
      // The other shape is for ?count=n.
      if ('transactions' in sample) throw new TypeError('more than one transaction came')
      return sample
    },
    predict: (transaction, reasons = 0) => ask<'predict'>('POST', `/predict?reasons=${reasons}`, transaction),
    predictLines,
    giveFeedback: (labels) => ask<'giveFeedback'>('POST', '/feedback', { labels }),
    getPrediction: (id) => ask<'getPrediction'>('GET', `/predictions/${encodeURIComponent(id)}`),
  }
}

type JsonOperation = {
  [Name in keyof Operations]: Operations[Name]['answer'] extends { readonly 'application/json': unknown }
    ? Name
    : never
}[keyof Operations]

type AnswerOf<Name extends JsonOperation> = Operations[Name]['answer']['application/json']

type BodyOf<Name extends JsonOperation> = Operations[Name]['body'] extends {
  readonly 'application/json': infer Body
}
  ? Body
  : never

/**
 * Too many requests of this key; more than the server can answer, it starts or ends, its log or store is
 * away; a proxy without it.
 */
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000

/** Waits before the next try; throws `error` when trying again would not help, or not soon enough. */
type Patience = (error: unknown) => Promise<void>

/**
 * Pauses double, each is a random part of that so that clients do not come back together, and none is shorter
 * than the server asks for.
 */
const createPatience = (patienceMs: number): Patience => {
  const endMs = performance.now() + patienceMs
  let pauseMs = FIRST_PAUSE_MS
  return async (error) => {
    if (error instanceof VigiaError && !TRANSIENT.has(error.status)) throw error
    const askedMs = error instanceof VigiaError ? (error.retryAfterSeconds ?? 0) * 1000 : 0
    const nextMs = askedMs + pauseMs * (0.5 + Math.random() / 2)
    if (performance.now() + nextMs > endMs) throw error
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    await wait(nextMs)
  }
}

const withRetries = async <T>(patience: Patience, work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      await patience(error)
    }
  }
}

/** Of an answer that is no decision, also one that a proxy gave. */
const errorOf = async (response: Response): Promise<VigiaError> => {
  const { error } = (await response.json().catch(() => ({}))) as { readonly error?: RowError }
  const retryAfter = response.headers.get('retry-after')
  return new VigiaError(
    response.status,
    error ?? { code: '', message: response.statusText, fix: '' },
    retryAfter === null ? undefined : Number(retryAfter) || 0,
  )
}

/**
 * Transactions from the first without an answer on: after a break they are sent again, and those decided on
 * get the same decision.
 */
const createUnanswered = (transactions: Iterable<Transaction> | AsyncIterable<Transaction>) => {
  const source =
    Symbol.asyncIterator in transactions
      ? transactions[Symbol.asyncIterator]()
      : transactions[Symbol.iterator]()
  const waiting: Transaction[] = []
  let answered = 0
  let isExhausted = false
  /** Of whoever gives the transactions. */
  let failure: { readonly cause: unknown } | undefined
  /** One at a time: a request that has ended may still be waiting for its next transaction. */
  let pulling: Promise<void> | undefined
  const pull = async (): Promise<void> => {
    try {
      const next = await source.next()
      if (next.done === true) isExhausted = true
      else waiting.push(next.value)
    } catch (cause) {
      failure = { cause }
    } finally {
      pulling = undefined
    }
  }
  const throwFailure = (): void => {
    if (failure !== undefined) throw failure.cause
  }
  return {
    isDone: () => isExhausted && waiting.length === 0,
    isWaiting: () => waiting.length > 0,
    throwFailure,
    answered: () => {
      waiting.shift()
      answered++
    },
    async *lines(): AsyncGenerator<Uint8Array> {
      const encoder = new TextEncoder()
      for (let next = answered; ; next++) {
        while (next - answered >= waiting.length) {
          if (isExhausted) return
          pulling ??= pull()
          await pulling
          throwFailure()
        }
        yield encoder.encode(`${JSON.stringify(waiting[next - answered])}\n`)
      }
    },
  }
}

type Unanswered = ReturnType<typeof createUnanswered>

/** The lines of an answer, each when it is there. A last one without its end is no answer. */
async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let unread = ''
  for await (const chunk of response.body ?? []) {
    const lines = (unread + decoder.decode(chunk, { stream: true })).split('\n')
    unread = lines.pop() ?? ''
    yield* lines
  }
}
