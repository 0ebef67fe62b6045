import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { SoakBank } from './soak-bank.ts'

/** Clients that send a steady number of transactions a second, and each again until it is answered. */
export interface SoakClients {
  /** Where they send to from now on; undefined: nobody listens. */
  useServer(port: number | undefined): void
  useKey(key: string): void
  /** Transactions that were begun, and that were answered 200. */
  counts(): { readonly begun: number; readonly answered: number; readonly labels: number }
  /** Milliseconds of answers that came at the first try since the last call. */
  takeLatencies(): readonly number[]
  /** Statuses other than 200 that were answered, and how often. */
  refusals(): Readonly<Record<string, number>>
  /** Number in the log of each answered transaction, by its number; 0: not answered. */
  sequences(): Float64Array
  /** Begins no more, and resolves when all that was begun is answered. */
  finish(): Promise<void>
}

/** So many may be under way: as many clients there are. */
const MOST_UNDER_WAY = 400
const AGAIN_MS = 100
const TICK_MS = 20

export const startSoakClients = (bank: SoakBank, perSecond: number): SoakClients => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  let port: number | undefined
  let key = ''
  let [begun, answered, labels, underWay] = [0, 0, 0, 0]
  let sequences = new Float64Array(1 << 16)
  let latencies: number[] = []
  const refusals: Record<string, number> = {}

  const untilAnswered = async (path: string, body: string): Promise<string> => {
    for (let attempt = 0; ; attempt++) {
      const startedMs = performance.now()
      const answer = port === undefined ? undefined : await post(agent, port, path, key, body)
      if (answer?.status === 200) {
        if (attempt === 0 && path === '/predict') latencies.push(performance.now() - startedMs)
        return answer.text
      }
      const status = String(answer?.status ?? 'none')
      refusals[status] = (refusals[status] ?? 0) + 1
      if (!['none', '503', '507', '500', '401'].includes(status))
        throw new Error(`${path} was answered ${status}: ${answer?.text}`)
      await wait(AGAIN_MS)
    }
  }
  const decide = async (n: number): Promise<void> => {
    underWay++
    const label = bank.label(n)
    // One fraud in four is known before its transaction comes.
    if (label !== undefined && n % 4 === 0) await tell(label)
    const { prediction_id } = JSON.parse(await untilAnswered('/predict', bank.body(n))) as {
      prediction_id: string
    }
    sequences[n] = Number(prediction_id.slice(prediction_id.lastIndexOf('-') + 1))
    answered++
    if (label !== undefined && n % 4 !== 0) await tell(label)
    underWay--
  }
  const tell = async (label: string): Promise<void> => {
    await untilAnswered('/feedback', label)
    labels++
  }
  let failure: unknown
  const startedMs = performance.now()
  /** Transactions that were not begun in time, because too many were under way. */
  let skipped = 0
  const ticking = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1000) - skipped
    while (begun < due && underWay < MOST_UNDER_WAY) {
      if (begun === sequences.length) {
        const more = new Float64Array(2 * sequences.length)
        more.set(sequences)
        sequences = more
      }
      decide(begun++).catch((error: unknown) => {
        failure = error
      })
    }
    // No burst after an outage: the rate is what is promised.
    skipped += Math.max(0, due - begun)
  }, TICK_MS)
  return {
    useServer: (given) => {
      port = given
    },
    useKey: (given) => {
      key = given
    },
    counts: () => ({ begun, answered, labels }),
    takeLatencies: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    refusals: () => refusals,
    sequences: () => sequences.subarray(0, begun),
    finish: async () => {
      clearInterval(ticking)
      while (underWay > 0 && failure === undefined) await wait(TICK_MS)
      agent.destroy()
      if (failure !== undefined) throw failure
    },
  }
}

/** Undefined when the connection failed before the answer was whole. */
const post = (
  agent: Agent,
  port: number,
  path: string,
  key: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string } | undefined> =>
  new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'x-api-key': key,
      'content-length': Buffer.byteLength(body),
    }
    const sent = request({ agent, port, host: '127.0.0.1', path, method: 'POST', headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', () => resolve(undefined))
    })
    sent.on('error', () => resolve(undefined))
    sent.end(body)
  })
