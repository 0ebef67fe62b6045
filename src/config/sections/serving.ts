import { Type } from 'typebox'

/** Where the server listens. */
export const ApiSchema = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'Address to listen on. Only this machine by default; 0.0.0.0 opens it to the network.',
    }),
    port: Type.Integer({
      default: 8000,
      minimum: 0,
      maximum: 65535,
      description: 'Port to listen on; 0 lets the system choose a free one. 8000 is free on most machines.',
    }),
    body_limit: Type.Integer({
      default: 1_048_576,
      minimum: 1024,
      unit: 'bytes',
      description:
        'Largest request body. One mebibyte holds thousands of transactions; more would let one caller take all memory.',
    }),
  },
  { description: 'Where the server listens.' },
)

/** Which model is served. */
export const ServedModelSchema = Type.Object(
  {
    path: Type.String({
      default: 'runs/latest/model',
      minLength: 1,
      description: 'Folder of the model artifact to serve. The latest run, until a model is chosen.',
    }),
  },
  { description: 'Which model is served.' },
)

/** Where entity states are kept between requests. */
export const StateStoreSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('memory'), Type.Literal('lmdb')], {
      default: 'lmdb',
      description:
        'memory forgets everything when the server stops; lmdb is durable. Durable by default: a forgotten history changes features.',
    }),
    path: Type.String({
      default: '.vigia/state',
      minLength: 1,
      description: 'Folder of the durable store. Not inside a run, because states outlive models.',
    }),
  },
  { description: 'Where the states of users, merchants and devices are kept.' },
)

/** What the server writes about itself. */
export const LogSchema = Type.Object(
  {
    level: Type.Union(
      [
        Type.Literal('trace'),
        Type.Literal('debug'),
        Type.Literal('info'),
        Type.Literal('warn'),
        Type.Literal('error'),
        Type.Literal('silent'),
      ],
      { default: 'info', description: 'Least severe message that is logged. info is one line a request.' },
    ),
  },
  { description: 'What the server logs.' },
)
