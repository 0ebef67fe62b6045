import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { VigiaError } from '../../errors.ts'
import { schemaCheck } from '../../foundation/json-schema.ts'

const closed = { additionalProperties: false }
const count = Type.Integer({ minimum: 0 })

const ParityReportSchema = Type.Object(
  {
    schema: Type.Literal(1),
    /**
     * Where the served vectors came from, for people: `the last 10000 transactions of runs/bank, served in
     * this process`.
     */
    source: Type.String({ minLength: 1 }),
    /**
     * What the compared features were computed with (`statesIdentity`): a report counts for versions with the
     * same.
     */
    identity: Type.Object({ layouts: Type.String(), features: Type.String(), fitted: Type.String() }, closed),
    /** Transactions that both sides have, and values that were compared in them. */
    rows: count,
    values: count,
    /** Features with a value that is not the same by `Object.is`. Empty is what we promise. */
    differing: Type.Array(
      Type.Object(
        {
          feature: Type.String(),
          /** Values that differ. */
          count: Type.Integer({ minimum: 1 }),
          /**
           * Greatest distance among them; null where one side has no value, and where a server has told
           * about it.
           */
          largest: Type.Union([Type.Number(), Type.Null()]),
        },
        closed,
      ),
    ),
    /**
     * Transactions of training (and labels) that the log of serving does not have, and logged ones that
     * training does not have or that were decided on twice.
     */
    missing: count,
    extra: count,
  },
  closed,
)

/** How served features compare with those of training, value by value. */
export type ParityReport = Static<typeof ParityReportSchema>

/** Whether serving gave what training has, and something was compared at all. */
export const isParity = ({ rows, differing, missing, extra }: ParityReport): boolean =>
  rows > 0 && differing.length === 0 && missing === 0 && extra === 0

/** Reads a report, as `vigia models promote --parity` takes it. @throws REGISTRY_REPORT_UNREADABLE */
export const readParityReport = async (path: string): Promise<ParityReport> => {
  const refuse = (reason: string) => new VigiaError('REGISTRY_REPORT_UNREADABLE', { path, reason })
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw refuse(error.message)
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw refuse('it is no JSON')
  }
  if (isReport(json)) return json
  const [problem] = isReport.errors ?? []
  throw refuse(`${problem?.instancePath || 'it'} ${problem?.message ?? 'has another schema'}`)
}

const isReport = schemaCheck<ParityReport>(ParityReportSchema)
