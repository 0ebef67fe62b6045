import { whatOf } from '../dataset/quarantine-reasons.ts'
import { firstNames } from '../foundation/first-names.ts'
import { amountText } from '../transaction/amount-rules.ts'
import type { Attribute } from '../transaction/attributes.ts'
import { fractionalSecondsProblem } from '../transaction/event-time.ts'
import { isTextKind, type RequestField, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import { readRequest } from '../transaction/read-request.ts'
import { type FieldProblem, RequestProblemsError, shown } from '../transaction/request-problem.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import { mentions, type SourceMapping } from '../transaction/source-mapping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type DirectExpression, directExpression, type ValueKind, type Written } from './direct-expression.ts'
import { type ReadSent, type SentText, sentReader, shownSent } from './sent-values.ts'
import { openSqlMapping, type RowTexts, type SqlRow } from './sql-mapping.ts'
import { SqlQueue } from './sql-queue.ts'

/** Makes transactions of the bank's own rows, by the mapping that training had. */
export interface RowMapper {
  /**
   * @param row a JSON object by the names of the source's columns; others are ignored
   * @throws REQUEST_TRANSACTION_INVALID with every problem that was found, each with its column and its field
   */
  map(row: unknown): Promise<Transaction>
  close(): void
}

/** How the parts of a mapping are computed. */
export interface MappingPlan {
  readonly direct: ReadonlyMap<MappedPart, DirectExpression>
  readonly sql: { readonly fields: readonly RequestField[]; readonly attributes: readonly Attribute[] }
}

/** A field by its name, an attribute as problems name it. */
type MappedPart = RequestField | `attributes.${string}`

/** Which parts JavaScript computes, and which need SQL. */
export const planMapping = (
  mapping: SourceMapping,
  { attributes }: Pick<TransactionShape, 'attributes'>,
): MappingPlan => {
  const types = new Map(mapping.columns.map(({ name, type }) => [name.toLowerCase(), type]))
  const typeOf = (column: string) => types.get(column.toLowerCase())
  const direct = new Map<MappedPart, DirectExpression>()
  const put = (part: MappedPart, expression: string, kind: ValueKind): boolean => {
    const found = directExpression(expression, kind, mapping.timeZone, typeOf)
    if (found !== undefined) direct.set(part, found)
    return found === undefined
  }
  const fields = TRANSACTION_FIELDS.flatMap(({ wire, kind }) => {
    const expression = mapping.fields[wire]
    if (expression === undefined) return []
    const value = isTextKind(kind) ? 'text' : kind === 'time' ? 'time' : 'measure'
    return put(wire, expression, value) ? [wire] : []
  })
  const others = attributes.filter(({ name, kind }) => {
    const expression = mapping.attributes[name]
    if (expression === undefined) return false
    return put(`attributes.${name}`, expression, kind === 'category' ? 'text' : kind)
  })
  return { direct, sql: { fields, attributes: others } }
}

/** The parts of a mapping that need SQL for every row, with their expressions. */
export const slowExpressions = (
  mapping: SourceMapping,
  shape: Pick<TransactionShape, 'attributes'>,
): Readonly<Record<string, string>> => {
  const { sql } = planMapping(mapping, shape)
  return Object.fromEntries([
    ...sql.fields.map((field) => [field, mapping.fields[field]!]),
    ...sql.attributes.map(({ name }) => [`attributes.${name}`, mapping.attributes[name]!]),
  ])
}

/** @throws the DATASET_ errors of expressions that this version cannot use */
export const openRowMapper = async (mapping: SourceMapping, shape: TransactionShape): Promise<RowMapper> => {
  const { direct, sql } = planMapping(mapping, shape)
  const needsSql = sql.fields.length + sql.attributes.length > 0
  const statement = needsSql ? await openSqlMapping({ mapping, amounts: shape.amounts, ...sql }) : undefined
  const queue = statement === undefined ? undefined : new SqlQueue(statement)
  const readTexts = textReader(mapping)
  const columnOf = new Map(mapping.columns.map(({ name }) => [name.toLowerCase(), name]))
  const computed = [...direct].map(([part, { column, compute }]) => ({
    part,
    column: column === undefined ? undefined : columnOf.get(column.toLowerCase()),
    compute,
  }))
  const parts: readonly MappedPart[] = [
    ...sql.fields,
    ...sql.attributes.map(({ name }): MappedPart => `attributes.${name}`),
  ]
  const labels = labelsOf(mapping)
  return {
    map: async (row) => {
      const problems: FieldProblem[] = []
      const texts = readTexts(row, problems)
      if (texts === undefined) throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', problems)
      const request = new RequestInMaking()
      for (const { part, column, compute } of computed)
        request.set(part, compute(column === undefined ? null : texts.get(column)!))
      if (queue !== undefined) {
        takeSqlRow(
          await mapBySql(queue, texts, problems),
          { parts, mapping, shape, labels, texts },
          request,
          problems,
        )
      }
      return finish(request, shape, labels, problems)
    },
    close: () => queue?.close(),
  }
}

/** The texts of the columns that the mapping reads, by name; undefined when there are problems. */
type ReadTexts = (row: unknown, problems: FieldProblem[]) => RowTexts | undefined

const textReader = (mapping: SourceMapping): ReadTexts => {
  const commas = columnsWithCommas(mapping)
  const readers = mapping.columns.map(({ name, type }): readonly [string, ReadSent] => [
    name,
    sentReader(type, mapping.format, commas.has(name.toLowerCase())),
  ])
  return (row, problems) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      problems.push({ field: '', what: 'is no row', allowed: 'a JSON object', got: shownSent(row) })
      return undefined
    }
    const record = row as Readonly<Record<string, unknown>>
    const texts = new Map<string, SentText>()
    const absent: string[] = []
    for (const [name, read] of readers) {
      const isThere = Object.hasOwn(record, name)
      const text = isThere ? read(record[name]) : null
      if (!isThere) absent.push(name)
      if (typeof text === 'object' && text !== null) {
        problems.push({
          field: `column ${name}`,
          what: text.what,
          allowed: text.allowed,
          got: shownSent(record[name]),
        })
      } else texts.set(name, text)
    }
    if (absent.length > 0) lookForAbsent(record, absent, mapping, problems)
    return problems.length === 0 ? texts : undefined
  }
}

/** Columns of text that `decimal_comma` reads, in lower case; files of JSON have numbers there themselves. */
const columnsWithCommas = ({ format, fields, attributes }: SourceMapping): ReadonlySet<string> =>
  new Set(
    format === 'json'
      ? []
      : [...Object.values(fields), ...Object.values(attributes)].flatMap((expression) =>
          [...expression.matchAll(/decimal_comma\s*\(\s*(?:"((?:[^"]|"")+)"|(\w+))/gi)].map(
            ([, quoted, word = '']) => (quoted?.replaceAll('""', '"') ?? word).toLowerCase(),
          ),
        ),
  )

const MOST_LISTED = 20

/** A column that is not there is missing, as null is; but a row that has it by another name is a mistake. */
const lookForAbsent = (
  record: Readonly<Record<string, unknown>>,
  absent: readonly string[],
  { columns }: SourceMapping,
  problems: FieldProblem[],
): void => {
  const names = Object.keys(record)
  if (absent.length === columns.length) {
    const all = columns.map(({ name }) => name)
    const allowed = `columns of the source: ${firstNames(all, MOST_LISTED)}`
    const got = shown(names.slice(0, MOST_LISTED))
    if (all.length > 0)
      problems.push({ field: '', what: 'has none of the columns that the mapping reads', allowed, got })
    return
  }
  const known = new Set(columns.map(({ name }) => name))
  const byName = new Map(absent.map((name) => [name.toLowerCase(), name]))
  for (const name of names) {
    const meant = known.has(name) ? undefined : byName.get(name.trim().toLowerCase())
    if (meant === undefined) continue
    problems.push({
      field: `column ${name.slice(0, 60)}`,
      what: 'is written otherwise in the source',
      allowed: meant,
      got: shown(name),
    })
  }
}

/** A request as it is put together from a row. */
class RequestInMaking {
  readonly body: Record<string, unknown> = {}
  /** Parts that problems have been told of. */
  readonly told = new Set<string>()
  private readonly attributes: Record<string, unknown> = {}

  constructor() {
    this.body['attributes'] = this.attributes
  }

  set(part: MappedPart, value: Written): void {
    if (part.startsWith(ATTRIBUTES)) this.attributes[part.slice(ATTRIBUTES.length)] = value
    else this.body[part] = value
  }
}

const ATTRIBUTES = 'attributes.'

const mapBySql = async (queue: SqlQueue, texts: RowTexts, problems: FieldProblem[]): Promise<SqlRow> => {
  try {
    return await queue.map(texts)
  } catch (error) {
    const got = String((error as Error).message)
      .split('\n')[0]!
      .slice(0, 200)
    const allowed = 'values that the expressions of the mapping can read'
    problems.push({ field: '', what: 'cannot be mapped', allowed, got })
    throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', problems)
  }
}

interface SqlAnswerContext {
  readonly parts: readonly MappedPart[]
  readonly mapping: SourceMapping
  readonly shape: TransactionShape
  readonly labels: Labels
  readonly texts: RowTexts
}

/** Writes what SQL computed as a request would, and tells what it could not. */
const takeSqlRow = (
  { values, misfits }: SqlRow,
  { parts, mapping, shape, labels, texts }: SqlAnswerContext,
  request: RequestInMaking,
  problems: FieldProblem[],
): void => {
  for (const name of misfits) {
    const { type } = mapping.columns.find((column) => column.name === name)!
    problems.push({
      field: `column ${name}`,
      what: `is no ${type}`,
      allowed: `text of a ${type}`,
      got: shown(texts.get(name)),
    })
  }
  for (const [index, part] of parts.entries()) {
    const { value, reason, got } = values[index]!
    if (reason !== null) {
      request.told.add(part)
      const inSeconds = part === 'timestamp' ? fractionalSecondsProblem(labels(part), got) : undefined
      problems.push(
        inSeconds ?? {
          field: labels(part),
          what: `cannot be used: ${whatOf(reason, shape.amounts)}`,
          allowed: `a value by the mapping ${expressionOf(mapping, part)}`,
          got: got === null ? 'nothing' : shown(got),
        },
      )
    } else if (part === 'amount' && value !== null)
      request.set(part, amountText(value as number, shape.amounts.decimals))
    else request.set(part, value)
  }
}

/** Reads the request by the rules of requests, and tells its problems by the columns of the source. */
const finish = (
  request: RequestInMaking,
  shape: TransactionShape,
  labels: Labels,
  problems: FieldProblem[],
): Transaction => {
  let transaction: Transaction | undefined
  try {
    transaction = readRequest(request.body, shape, 'ignore')
  } catch (error) {
    if (!(error instanceof RequestProblemsError)) throw error
    for (const problem of error.problems)
      if (!request.told.has(problem.field)) problems.push({ ...problem, field: labels(problem.field) })
  }
  if (transaction === undefined || problems.length > 0)
    throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', problems)
  return transaction
}

const expressionOf = (mapping: SourceMapping, part: string): string => {
  const expression = part.startsWith(ATTRIBUTES)
    ? mapping.attributes[part.slice(ATTRIBUTES.length)]
    : mapping.fields[part as RequestField]
  return expression === undefined || expression.length <= 120
    ? (expression ?? 'of the source')
    : `${expression.slice(0, 117)}...`
}

/** How a part is called in problems: `TransactionAmt (amount)`. */
type Labels = (part: string) => string

const labelsOf = (mapping: SourceMapping): Labels => {
  return (part) => {
    const expression = expressionOf(mapping, part)
    const quoted = /^"((?:[^"]|"")+)"$/.exec(expression)
    if (quoted !== null) return `column ${quoted[1]!.replaceAll('""', '"')} (${part})`
    const read = mapping.columns.map(({ name }) => name).filter((name) => mentions(expression, name))
    return read.length === 0 ? part : `${read.slice(0, 4).join(', ')} (${part})`
  }
}
