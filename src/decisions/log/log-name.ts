import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'

/** Name of the document that says by whose name the predictions of a log are called. */
export const NAME_DOCUMENT = 'name'

export interface NameDocument {
  /** `StoreIdentity.logName` of the states that the log goes on with. */
  readonly logName: string
}

/** Undefined for a log that was written before logs said so, or by servers that share their states. */
export const readLogName = async (log: Pick<LogReader, 'readDocument'>): Promise<string | undefined> => {
  const text = await log.readDocument(NAME_DOCUMENT)
  return text === undefined ? undefined : (JSON.parse(text) as NameDocument).logName
}

/** Says beside the log whose it is; a log that says so already is left alone. */
export const writeLogName = async (
  log: Pick<PredictionLog, 'readDocument' | 'writeDocument'>,
  logName: string,
): Promise<void> => {
  if ((await readLogName(log)) === logName) return
  await log.writeDocument(NAME_DOCUMENT, JSON.stringify({ logName } satisfies NameDocument))
}
