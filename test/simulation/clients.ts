import type { FeedbackOutcome, LoggedPrediction, Prediction } from '../../src/decisions/inference-pipeline.ts'
import { VigiaError } from '../../src/errors.ts'
import type { Service } from '../../src/pipelines/service/open-service.ts'
import { ProcessEnded } from './machine.ts'
import type { Request, Wish } from './plan.ts'
import type { Server, Site } from './site.ts'

/** An answer that reached a client, or would have if the network had not lost it. */
export interface Answer {
  readonly wish: Wish
  /** When the server began with it, and when it had the answer. */
  readonly startedMs: number
  readonly atMs: number
  /**
   * Whether it owned its states when it answered: one that was ousted may look up old things for a moment,
   * and
   * one that shares them finds in its log what it has moved there itself.
   */
  readonly isOwners: boolean
  readonly value: Prediction | LoggedPrediction | FeedbackOutcome | { readonly refused: string } | undefined
}

/** Errors after which a client gives up: asking again changes nothing. */
const FINAL = new Set(['SERVING_TRANSACTION_DIFFERS', 'REQUEST_TRANSACTION_INVALID'])
/** Errors after which it asks again. */
const PASSING = new Set([
  'SERVING_CLOSING',
  'SERVING_LOG_FAILED',
  'SERVING_STORE_FAILED',
  'SERVING_STORE_BEHIND',
  'SERVING_OVERLOADED',
  'SERVING_LEASE_LOST',
  'SERVING_HISTORY_LOST',
  'FEATURES_STATE_CONTENDED',
])

const PATIENCE_MS = 4000

/** A client with one wish: it asks until it is answered. */
class Client {
  isDone = false
  private attempts = 0
  private lost = 0
  private readonly site: Site
  private readonly request: Request
  private readonly answered: (answer: Answer) => void
  private readonly name: string

  constructor(site: Site, request: Request, number: number, answered: (answer: Answer) => void) {
    this.site = site
    this.request = request
    this.answered = answered
    this.name = `c${number} ${describe(request.wish)}`
    site.machine.after(request.atMs, () => this.ask(), null)
  }

  private ask(): void {
    const { site, request } = this
    if (this.isDone) return
    const attempt = ++this.attempts
    const copies = attempt === 1 ? request.copies : 1
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = site.draw() * 5 + (copy === 0 ? 0 : site.draw() * 2000)
      if (site.draw() >= site.networkLoss) site.machine.after(delayMs, () => this.arrive(), null)
    }
    site.machine.after(PATIENCE_MS, () => attempt === this.attempts && this.ask(), null)
  }

  /** It reaches a server, whichever the network chooses. */
  private arrive(): void {
    const { site } = this
    const open = site.living().filter(({ service }) => service !== undefined)
    if (open.length === 0) {
      this.again()
      return
    }
    const server = open[Math.floor(site.draw() * open.length)]!
    site.machine.after(0, () => void this.serve(server), server.process)
  }

  private async serve(server: Server): Promise<void> {
    const { site, request } = this
    const { service } = server
    if (service === undefined) return
    const startedMs = site.machine.nowMs
    const reply = (value: Answer['value']): void =>
      this.reply({
        wish: request.wish,
        startedMs,
        atMs: site.machine.nowMs,
        value,
        isOwners: site.folder.owner === server.process.id,
      })
    try {
      reply(await wishOf(service, request.wish))
    } catch (error) {
      if (error instanceof ProcessEnded) return
      const code = error instanceof VigiaError ? error.code : String((error as Error).stack)
      site.machine.tell(`${this.name}: ${code}`)
      if (FINAL.has(code)) reply({ refused: code })
      else if (PASSING.has(code)) this.again()
      else
        site.broken(
          `${this.name} was answered ${code}${error instanceof VigiaError ? ` ${error.message}` : ''}`,
        )
    }
  }

  /** What the server says counts from here on, whether or not it arrives. */
  private reply(answer: Answer): void {
    const { site } = this
    site.machine.tell(`${this.name}: ${JSON.stringify(answer.value)}`)
    this.answered(answer)
    const isLost = this.lost < this.request.lostAnswers || site.draw() < site.networkLoss
    if (isLost) {
      this.lost++
      return
    }
    this.isDone = true
  }

  private again(): void {
    const attempt = this.attempts
    this.site.machine.after(50 + this.site.draw() * 700, () => attempt === this.attempts && this.ask(), null)
  }
}

const wishOf = async ({ pipeline, control }: Service, wish: Wish): Promise<Answer['value']> => {
  if (wish.kind === 'decide') return pipeline.predict(wish.transaction, 0)
  if (wish.kind === 'label') {
    const { transactionId, isFraud, transaction } = wish
    return pipeline.applyFeedback({ transactionId, isFraud, ...(transaction && { transaction }) })
  }
  if (wish.kind === 'find') return pipeline.find(wish.transactionId)
  if (wish.kind === 'model') await control.switchTo(`models:/simulated/${wish.version}`)
  else await pipeline.saveLogs()
  return undefined
}

const describe = (wish: Wish): string => {
  if (wish.kind === 'decide') {
    const { transactionId, amountMinor, eventTimeMs, userId, merchantId, deviceId } = wish.transaction
    return `decides on ${transactionId} of ${userId}/${merchantId ?? '-'}/${deviceId ?? '-'}, ${amountMinor} at ${eventTimeMs}`
  }
  if (wish.kind === 'label')
    return `tells of ${wish.transactionId}: ${wish.isFraud}${wish.transaction ? ', and whose it was' : ''}`
  if (wish.kind === 'find') return `looks ${wish.transactionId} up`
  return wish.kind === 'archive' ? 'has the log archived' : `switches to model ${wish.version}`
}

/** The clients of a run. */
export const startClients = (
  site: Site,
  requests: readonly Request[],
  answered: (answer: Answer) => void,
): { isDone(): boolean; waiting(): number } => {
  const clients = requests.map((request, i) => new Client(site, request, i + 1, answered))
  return {
    isDone: () => clients.every(({ isDone }) => isDone),
    waiting: () => clients.filter(({ isDone }) => !isDone).length,
  }
}
