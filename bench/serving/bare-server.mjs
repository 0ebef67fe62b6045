// A Fastify that does nothing: POST /predict with the schemas of vigia, and always the same answer. node
// bare-server.mjs <port>
import { fastify } from 'fastify'
import { built } from '../data.mjs'

const { TransactionBody } = await built('serving/schemas/transaction.js')
const { ModelName, PredictionAnswer, ReasonAnswer } = await built('serving/schemas/prediction.js')

// Without coercion, as vigia: a body is read as it is written.
const app = fastify({ ajv: { customOptions: { allowUnionTypes: true, coerceTypes: false } } })
for (const schema of [TransactionBody, ModelName, ReasonAnswer, PredictionAnswer])
  app.addSchema(JSON.parse(JSON.stringify(schema)))
const { examples } = PredictionAnswer
app.get('/health/ready', async () => ({ status: 'ready' }))
app.post(
  '/predict',
  { schema: { body: { $ref: 'Transaction#' }, response: { 200: { $ref: 'Prediction#' } } } },
  async () => examples[0],
)
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
