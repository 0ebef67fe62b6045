import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../src/foundation/random.ts'

/** What a client remembers of an answer of POST /predict. */
export interface Answer {
  readonly predictionId: string
  readonly sequence: number
  readonly probability: number
  readonly isFlagged: boolean
  readonly decidedAt: string
}

/** A transaction to be decided on. */
export interface Sending {
  readonly transactionId: string
  readonly body: string
}

export interface ClientsOptions {
  /** Ports of the servers, asked for before each request; undefined while one is down. */
  readonly ports: () => readonly (number | undefined)[]
  /** Connections that send at the same time, one request each (default: 32). */
  readonly count?: number
  /**
   * Share of requests whose connection is cut, and which are then sent again (default: 0). Half of them are
   * cut as soon as they are sent, before any server answers, the others a few milliseconds later.
   */
  readonly abortShare?: number
  readonly random: Random
  /** A transaction that has no answer after so long fails the test (default: 300,000). */
  readonly patienceMs?: number
}

/** What clients have seen. */
export interface Seen {
  /** The first answer for each transaction. */
  readonly answers: Map<string, Answer>
  /** Answers that say something else of a transaction than its first. */
  readonly contradictions: string[]
  /** Answers that say that they repeat an earlier one. */
  repeated: number
  /** Bodies of labels that were taken. */
  bodies: number
  /** Requests that ended without an answer: cut by the client, or by the end of the server. */
  unanswered: number
  /** Requests that were refused, by code of the error. */
  readonly refused: Map<string, number>
}

/** Clients that keep their connections, and send again what got no answer. */
export interface Clients {
  readonly seen: Seen
  /** Sends these in their order, as many at once as there are clients; resolves when each has its answer. */
  decide(transactions: readonly Sending[]): Promise<void>
  /** Any other request of one client, sent once; undefined without an answer. */
  post(path: string, body: string): Promise<Reply | undefined>
  /** Bodies of POST /feedback, one after the other, each until it has its answer. */
  tell(bodies: readonly string[]): Promise<void>
  /** Ends the connections; who still waits for an answer gives up. */
  close(): void
  isClosed(): boolean
}

export interface Reply {
  readonly status: number
  readonly body: string
}

interface LabelsAnswer {
  readonly counts: Readonly<Record<string, number>>
  readonly outcomes: readonly { readonly error?: { readonly code: string } }[]
}

const codeOf = ({ body }: Reply): string =>
  (JSON.parse(body) as { readonly error?: { readonly code?: string } }).error?.code ?? ''

/** Errors after which the same request is sent again. */
const TRANSIENT = new Set([429, 503, 507])
/** Before the next try, milliseconds. */
const PAUSE_MS = 20

export const createClients = (options: ClientsOptions): Clients => {
  const { ports, count = 32, abortShare = 0, random, patienceMs = 300_000 } = options
  const agents = Array.from({ length: count }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  const seen: Seen = {
    answers: new Map(),
    contradictions: [],
    repeated: 0,
    bodies: 0,
    unanswered: 0,
    refused: new Map(),
  }

  let isClosed = false

  const send = (
    agent: Agent,
    path: string,
    body: string,
    abortAfterMs?: number,
  ): Promise<Reply | undefined> => {
    const all = ports()
    const port = all[Math.floor(random.next() * all.length)]
    if (port === undefined) return Promise.resolve(undefined)
    return new Promise((done) => {
      const sending = request(
        {
          agent,
          port,
          path,
          host: '127.0.0.1',
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('end', () =>
            done({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
          )
          response.on('error', () => done(undefined))
          response.on('close', () => done(undefined))
        },
      )
      sending.on('error', () => done(undefined))
      if (abortAfterMs !== undefined)
        sending.once('finish', () => setTimeout(() => sending.destroy(), abortAfterMs))
      sending.end(body)
    })
  }

  const refuse = (code: string): void => {
    seen.refused.set(code, (seen.refused.get(code) ?? 0) + 1)
  }

  const remember = (id: string, text: string): void => {
    const said = JSON.parse(text) as {
      readonly [name in 'prediction_id' | 'transaction_id' | 'decided_at']: string
    } & {
      readonly sequence: number
      readonly probability: number
      readonly is_flagged: boolean
      repeated: boolean
    }
    const answer: Answer = {
      predictionId: said.prediction_id,
      sequence: said.sequence,
      probability: said.probability,
      isFlagged: said.is_flagged,
      decidedAt: said.decided_at,
    }
    if (said.repeated) seen.repeated++
    const first = seen.answers.get(id)
    if (first === undefined) seen.answers.set(id, answer)
    if (
      said.transaction_id !== id ||
      (first !== undefined && JSON.stringify(first) !== JSON.stringify(answer))
    )
      seen.contradictions.push(`${id}: ${JSON.stringify(first)}, then ${text}`)
  }

  const decide = async (agent: Agent, { transactionId, body }: Sending): Promise<void> => {
    for (const endMs = performance.now() + patienceMs; performance.now() < endMs && !isClosed; ) {
      const abortAfterMs = random.next() < abortShare ? Math.max(0, 20 * random.next() - 10) : undefined
      const reply = await send(agent, '/predict', body, abortAfterMs)
      if (reply?.status === 200) return remember(transactionId, reply.body)
      if (reply === undefined) seen.unanswered++
      else {
        if (!TRANSIENT.has(reply.status)) throw new Error(`${transactionId}: ${reply.status} ${reply.body}`)
        refuse(codeOf(reply))
      }
      if (abortAfterMs === undefined) await wait(PAUSE_MS)
    }
    const refused = JSON.stringify([...seen.refused])
    throw new Error(
      `${transactionId} got no decision within ${patienceMs} ms; ${seen.unanswered} unanswered, refused: ${refused}`,
    )
  }

  const tell = async (body: string): Promise<void> => {
    for (
      const endMs = performance.now() + patienceMs;
      performance.now() < endMs && !isClosed;
      await wait(PAUSE_MS)
    ) {
      const reply = await send(agents[0]!, '/feedback', body)
      if (reply === undefined) seen.unanswered++
      else if (reply.status === 200) {
        const { counts, outcomes } = JSON.parse(reply.body) as LabelsAnswer
        if (counts['waiting'] !== 0) throw new Error(`labels of unknown transactions: ${reply.body}`)
        if (counts['failed'] === 0) {
          seen.bodies++
          return
        }
        for (const { error } of outcomes) if (error !== undefined) refuse(error.code)
      } else refuse(codeOf(reply))
    }
    throw new Error(`labels were not taken within ${patienceMs} ms`)
  }

  return {
    seen,
    decide: async (transactions) => {
      let next = 0
      await Promise.all(
        agents.map(async (agent) => {
          while (next < transactions.length) await decide(agent, transactions[next++]!)
        }),
      )
    },
    post: (path, body) => send(agents[0]!, path, body),
    tell: async (bodies) => {
      for (const body of bodies) await tell(body)
    },
    close: () => {
      isClosed = true
      for (const agent of agents) agent.destroy()
    },
    isClosed: () => isClosed,
  }
}

/**
 * The list with a `share` of its elements a second time, up to 40 places later: often while the first is
 * under way.
 */
export const withRepetitions = <T>(list: readonly T[], share: number, random: Random): readonly T[] => {
  const placed = list.map((item, at) => ({ item, at }))
  for (let at = 0; at < list.length; at++)
    if (random.next() < share) placed.push({ item: list[at]!, at: at + random.next() * 40 })
  return placed.sort((a, b) => a.at - b.at).map(({ item }) => item)
}
