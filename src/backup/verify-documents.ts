import { documentName, type ModelDocument } from '../decisions/log/model-document.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { LogProblem } from './log-problem.ts'

/** What the documents of a log are worth. */
export interface VerifiedDocuments {
  readonly count: number
  readonly problems: readonly LogProblem[]
}

/** Reads every document: all are JSON, and one of a model says which model it was and what it computed. */
export const verifyDocuments = async (
  log: Pick<LogReader, 'documentNames' | 'readDocument'>,
): Promise<VerifiedDocuments> => {
  const problems: LogProblem[] = []
  // Vigía gives no others; somebody else's file is nothing of the log.
  const names = (await log.documentNames()).filter((name) => /^[a-z0-9-]+$/.test(name))
  for (const name of names) {
    const text = await log.readDocument(name)
    const reason = text === undefined ? undefined : faultOf(name, text)
    if (reason !== undefined) problems.push({ file: `documents/${name}.json`, reason })
  }
  return { count: names.length, problems }
}

const faultOf = (name: string, text: string): string | undefined => {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    return `it is no JSON: ${(error as Error).message.split('\n')[0]}`
  }
  if (typeof document !== 'object' || document === null) return 'it is JSON, and no object'
  if (!name.startsWith(documentName(''))) return undefined
  const { key, computed } = document as Partial<ModelDocument>
  if (typeof key !== 'string' || documentName(key) !== name)
    return `it is of model ${JSON.stringify(key)}, and its name says another`
  return Array.isArray(computed) ? undefined : 'it does not say what the model computed'
}
