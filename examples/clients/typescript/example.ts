// The way of a transaction: decided on, explained, many at once, told what it was, read again.
// Reads VIGIA_URL (default: http://127.0.0.1:8000) and VIGIA_KEY (default: none).
import { createVigiaClient } from './vigia-client.ts'

const { VIGIA_URL: url = 'http://127.0.0.1:8000', VIGIA_KEY: key } = process.env
const vigia = createVigiaClient({ url, ...(key !== undefined && { key }) })

const transaction = await vigia.sampleTransaction()
const decided = await vigia.predict(transaction, 3)
console.log(
  `${decided.transaction_id}: ${decided.decision}, ${decided.risk_level} risk, ${decided.probability}`,
)
for (const { text } of decided.reasons ?? []) console.log(`- ${text}`)

// The same transaction again gets the same decision.
const again = await vigia.predict(transaction)
console.log(`repeated: ${again.repeated}, same decision: ${again.prediction_id === decided.prediction_id}`)

/** As they would come from a file or a queue. */
async function* manyTransactions() {
  for (let n = 0; n < 20; n++) yield await vigia.sampleTransaction()
}
let flagged = 0
let failed = 0
let rows = 0
for await (const { is_flagged, error } of vigia.predictLines(manyTransactions())) {
  rows++
  if (error !== undefined) failed++
  else if (is_flagged === true) flagged++
}
console.log(`${rows} rows: ${flagged} flagged, ${failed} failed`)

const { counts } = await vigia.giveFeedback([{ transaction_id: transaction.transaction_id, is_fraud: false }])
console.log(`labels applied: ${counts?.applied}`)

const { label, features } = await vigia.getPrediction(decided.prediction_id)
console.log(`label: ${label?.is_fraud}, from ${Object.keys(features).length} features`)
