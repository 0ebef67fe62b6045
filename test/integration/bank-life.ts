import { createRandom } from '../../src/foundation/random.ts'
import { type BankDay, labelBodies, requestOf, type TrainedBank } from './second-bank-service.ts'
import { type Clients, withRepetitions } from './serving-clients.ts'

/**
 * Lives through days of the bank: each morning the labels that are known by then, then the day's transactions
 * in about their order, 3 of 100 of them twice.
 *
 * @returns how many labels were told
 */
export const live = async (
  clients: Clients,
  bank: TrainedBank,
  days: readonly BankDay[],
): Promise<number> => {
  const random = createRandom('order')
  let told = 0
  for (const { labels, transactions } of days) {
    await clients.tell(labelBodies(labels, bank))
    told += labels.length
    const sent = withRepetitions(transactions, 0.03, random)
    await clients.decide(sent.map((one) => ({ transactionId: one.transactionId, body: requestOf(one) })))
  }
  return told
}
