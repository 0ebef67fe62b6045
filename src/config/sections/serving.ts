import { Type } from 'typebox'
import { DURATION_PATTERN } from '../../foundation/duration.ts'

/** Nothing, or the path of a route: letters, digits, -, ., _, ~ and : between slashes. */
const ROUTE_PATTERN = '^(/[A-Za-z0-9._~:-]+)*$'

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
      description:
        'Port to listen on; 0 lets the system choose a free one. 8000 is free on most machines. Platforms tell theirs by variables of their own, which win over the file: AIP_HTTP_PORT, SAGEMAKER_BIND_TO_PORT, SERVER_PORT, PORT.',
    }),
    grpc_port: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 65535,
      description:
        'Port to listen on for gRPC (inference.GRPCInferenceService of the Open Inference Protocol, and grpc.health.v1.Health), beside the HTTP API and with the same keys, limits and TLS. Triton uses 8001, KServe 9000 or 8081. 0: none.',
    }),
    predict_route: Type.String({
      default: '',
      pattern: ROUTE_PATTERN,
      description:
        'Another route of POST /invocations, for a platform that calls it by a name of its own, such as /v1/models/fraud:predict. Vertex AI tells it by AIP_PREDICT_ROUTE. None by default.',
    }),
    health_route: Type.String({
      default: '',
      pattern: ROUTE_PATTERN,
      description:
        'Another route of GET /ping, which answers 200 when the server can decide and 503 when it cannot. Vertex AI tells it by AIP_HEALTH_ROUTE. None by default.',
    }),
    docs: Type.Boolean({
      default: true,
      description:
        'Whether GET /docs and /openapi.json describe the API. They need no key, name the attributes that the models in service read, and say nothing else of data or models.',
    }),
    unknown_fields: Type.Union([Type.Literal('refuse'), Type.Literal('ignore')], {
      default: 'refuse',
      description:
        'What becomes of a field that no transaction has, and of an attribute that no model in service knows. refuse: a misspelt name would go unnoticed, and what it says be missing from every decision. ignore: unknown attributes are counted, in vigia_request_unknown_attributes_total.',
    }),
  },
  { description: 'Where the server listens.' },
)

/** Who may ask. */
export const SecuritySchema = Type.Object(
  {
    guarded_by: Type.Union([Type.Literal('keys'), Type.Literal('platform')], {
      default: 'keys',
      description:
        'Who keeps strangers out. keys: this server, by its API keys; without keys it listens on a loopback address only. platform: what stands before it (SageMaker, Vertex AI, Cloud Run with IAM, a service mesh), so that it listens on any address without keys. Who reaches it may then decide, read and give labels; administration needs a key all the same.',
    }),
    keys: Type.String({
      default: '',
      description:
        'JSON file with the API keys: a list of {name, sha256, scopes, requests_per_minute?}; sha256 is the hash of the key, which is written nowhere; scopes are predict, feedback, read, admin and metrics. Empty: everyone may do everything, which is allowed on a loopback address only, unless guarded_by says platform.',
    }),
    tls_key: Type.String({
      default: '',
      description:
        'PEM file with the private key of TLS. Empty: plain HTTP, for a proxy in front that ends TLS.',
    }),
    tls_certificate: Type.String({
      default: '',
      description:
        'PEM file with the certificate of TLS and those that vouch for it. Given together with tls_key.',
    }),
    cors_origins: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Origins whose pages may call the API from a browser, such as https://desk.example.com. None by default: decisions are asked for by servers.',
    }),
    trusted_proxies: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed. None by default: anyone can write that header.',
    }),
  },
  { default: {}, description: 'Who may ask, and over what.' },
)

/** How much one caller, or all of them, may ask for. */
export const LimitsSchema = Type.Object(
  {
    body_size: Type.Integer({
      default: 1024,
      minimum: 1,
      maximum: 1_048_576,
      unit: 'KiB',
      description:
        'Largest request body. One mebibyte holds thousands of transactions; more would let one caller take all memory. Streams of lines may be of any length.',
    }),
    line_size: Type.Integer({
      default: 16,
      minimum: 1,
      maximum: 1024,
      unit: 'KiB',
      description:
        'Longest line of a stream. A transaction with every field at its longest takes less than this.',
    }),
    batch_rows: Type.Integer({
      default: 1000,
      minimum: 1,
      maximum: 100_000,
      unit: 'rows',
      description: 'Most transactions or labels in one JSON body. More are sent as a stream of lines.',
    }),
    stream_rows: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 10_000,
      unit: 'rows',
      description:
        'Rows of one batch or stream that are worked on at the same time. 64 fill the writes of the log; more would only take memory and delay single requests.',
    }),
    requests_in_flight: Type.Integer({
      default: 1000,
      minimum: 1,
      maximum: 1_000_000,
      unit: 'requests',
      description:
        'Requests that are worked on at the same time; further ones are answered 503 at once. At ten thousand decisions a second, a thousand are a tenth of a second of waiting, longer than a payment waits for.',
    }),
    event_loop_delay: Type.String({
      default: '250ms',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Mean delay of the event loop, in half a second, from which requests are answered 503 until it falls. 0s: never. An overloaded server that turns some away answers the others in time.',
    }),
    requests_per_minute: Type.Integer({
      default: 0,
      minimum: 0,
      unit: 'requests',
      description:
        'Most requests in a minute of one API key, or of one address without keys; further ones are answered 429. A key may have its own number. 0: no limit, because the right one depends on who asks.',
    }),
    connections: Type.Integer({
      default: 10_000,
      minimum: 1,
      unit: 'connections',
      description:
        'Open connections; further ones are closed at once. Below the file descriptors that a process usually has.',
    }),
    header_timeout: Type.String({
      default: '10s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Longest time until the headers of a request are there. Slow clients would otherwise hold connections for nothing.',
    }),
    body_timeout: Type.String({
      default: '20s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Longest time until the body of a request is there, up to twice that when the server is told late; streams of lines are exempt, but must not stand still for idle_timeout.',
    }),
    idle_timeout: Type.String({
      default: '60s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Longest time in which nothing at all moves on a connection with a request. Acts of administration are exempt while the server works on them.',
    }),
    keep_alive: Type.String({
      default: '75s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How long a connection without a request stays open. Longer than the 60 s after which common load balancers close theirs, so that none sends into a closed one.',
    }),
    shutdown_grace: Type.String({
      default: '8s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How long a closing server waits for requests that it has accepted. Below the 10 s that `docker stop` and Cloud Run wait before they kill; Kubernetes and SageMaker wait 30 s.',
    }),
  },
  { default: {}, description: 'How much one caller, or all of them, may ask for.' },
)

/** Which models are served. */
export const ServedModelSchema = Type.Object(
  {
    source: Type.String({
      default: 'runs/vigia',
      minLength: 1,
      description:
        'The model that decides: models:/name@alias or models:/name/3 of the registry, models:/m-… or runs:/…/model of the tracker, or a folder of a run, an artifact or an MLflow model that Vigía made. The latest run, until a model is promoted.',
    }),
    shadow: Type.String({
      default: '',
      description:
        'A second model that scores every transaction beside the first, is logged and never answers; named like source. One of another feature layout needs states of its own (`vigia state migrate --to`). Empty: none.',
    }),
    canary: Type.String({
      default: '',
      description:
        'A model that decides for some users instead of the first; named like source. Empty: none.',
    }),
    canary_share: Type.Number({
      default: 0.05,
      minimum: 0,
      maximum: 1,
      unit: 'share of users',
      description: 'Users that the canary decides for, always the same ones, chosen by a hash of their id.',
    }),
    registry: Type.String({
      default: 'mlruns',
      description:
        'Where models:/... are looked up: a folder in the layout of MLflow, unless MLFLOW_TRACKING_URI names a server or another folder. mlruns, where `vigia run` registers them.',
    }),
  },
  { description: 'Which models are served.' },
)

/** Where entity states are kept between requests. */
export const StateStoreSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('memory'), Type.Literal('lmdb'), Type.Literal('redis')], {
      default: 'lmdb',
      description:
        'lmdb: a folder of this machine, for one process. redis: a server that many processes share. memory forgets everything when the process ends. Durable by default: a forgotten history changes features.',
    }),
    path: Type.String({
      default: '.vigia/state',
      minLength: 1,
      description: 'Folder of lmdb. Not inside a run, because states outlive models.',
    }),
    url: Type.String({
      default: 'redis://127.0.0.1:6379',
      secret: 'password',
      minLength: 1,
      description:
        'Server of redis: redis://user:password@host:port/database; redis+sentinel://user:password@host1,host2:26379/master/database; redis+cluster://user:password@host1,host2:6379; with TLS rediss. Better given as VIGIA_STATE_STORE__URL when it has a password.',
    }),
    prefix: Type.String({
      default: 'vigia',
      pattern: '^[A-Za-z0-9_-]{1,40}$',
      description: 'First part of all keys in redis. Servers with equal prefixes share their states.',
    }),
    cache_size: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1_048_576,
      unit: 'MiB',
      description:
        'Memory for the states in use, with lmdb; a server takes up to 256 MiB beside it. Others are read again when they are needed, in microseconds. 0: 512, or half of what a server leaves in a small container, and up to as much again while states of another layout follow. What does not fit is refused at the start, and so is what is too small to be of use, below 16.',
    }),
    save_interval: Type.String({
      default: '10s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How long after they changed states go from memory to lmdb, so that busy ones are written once and not with every decision. No decision waits for it or is lost by it: after a crash the log since then is replayed, some 20,000 decisions a second.',
    }),
    repetition_window: Type.String({
      default: '45d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How long the answer to a transaction is remembered, so that a repeated one gets the same and a late label finds whose it was. 45 days outlast retries, and the labels that windows of 30 days can still use, whose decisions are remembered longer where windows are; some 400 bytes each, in memory with redis.',
    }),
    expire: Type.Union([Type.Literal('auto'), Type.Literal('never')], {
      default: 'auto',
      description:
        'auto: the state of an entity goes, as a record of the log, once nothing in it can be read any more: its windows have passed with the delay of labels and twice the allowed lateness, and no feature counts over its life, or features.state.forget_after of the model begins it anew.',
    }),
  },
  { description: 'Where the states of users, merchants and devices are kept.' },
)

/** What time a transaction may have by the clock of the server. */
export const EventTimeSchema = Type.Object(
  {
    max_future: Type.String({
      default: '1d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Furthest that a transaction may lie ahead of the clock of the server; beyond it it is refused (422). One that is ahead moves what its user, merchant and device have seen last, and what comes later than features.allowed_lateness behind that enters no state, so both are a day.',
    }),
    max_age: Type.String({
      default: '3650d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'Furthest that a transaction may lie behind the clock of the server and still be taken into states; an older one is decided on, answered with timing too_old, and moves nothing. Ten years, as validation.max_age: history may be replayed, and a wrong year is kept out.',
    }),
  },
  { default: {}, description: 'What time a transaction may have by the clock of the server.' },
)

/** Labels that come before their transactions. */
export const FeedbackSchema = Type.Object(
  {
    waiting_labels: Type.Integer({
      default: 100_000,
      minimum: 0,
      maximum: 10_000_000,
      unit: 'labels',
      description:
        'Most labels that wait for their transaction; further ones are refused until there is room. A hundred thousand take 30 MB, and are more than a bank has in a week of chargebacks whose transactions nobody remembers.',
    }),
    waiting_time: Type.String({
      default: '7d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How long a label waits for its transaction. After that it is in the log, for training, and no transaction that comes will learn it. A week is longer than queues and exports are behind.',
    }),
  },
  { default: {}, description: 'Labels told by POST /feedback.' },
)

/** Tables beside the transactions, as serving has them. */
export const ServedTablesSchema = Type.Record(
  Type.String({ minLength: 1 }),
  Type.Object(
    {
      path: Type.Optional(
        Type.Union(
          [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
          { description: 'File, glob or list of them. Left out: where the table lay in training.' },
        ),
      ),
      refresh: Type.Optional(
        Type.String({
          pattern: DURATION_PATTERN,
          unit: 'duration',
          description:
            'How often its files are looked at; they are read where they have changed. Default 1m; 0s: never by itself.',
        }),
      ),
      smallest_share: Type.Optional(
        Type.Number({
          minimum: 0,
          maximum: 1,
          description:
            'Share of its rows that a new version must at least have: with fewer it may be half written, and the old one stays. Default 0.5.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  {
    default: {},
    description:
      'Where the tables of source.tables lie that models in service look transactions up in, by name. See docs/tables.md.',
  },
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
    hash_identifiers: Type.Boolean({
      default: true,
      description:
        'Whether user ids stand in the log as keyed hashes. true, because logs are read by more people than transactions are. Bodies and keys are never logged.',
    }),
    hash_key: Type.String({
      default: '',
      description:
        'Secret of these hashes; the same one gives the same hashes on every server. Empty: one of its own for each process. Better given as VIGIA_LOG__HASH_KEY than written in a file.',
    }),
  },
  { description: 'What the server logs.' },
)
