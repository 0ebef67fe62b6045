import { expect } from 'vitest'
import { EngineDriver } from '../../test/oracle/drive-engine.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { LogEntry } from './log/log-record.ts'

/**
 * Every vector in a log is what the engine gives for the transactions and labels of the log, in its order,
 * bit for bit.
 */
export const expectReplayed = (
  entries: readonly LogEntry[],
  { settings, fitted, computed }: Pick<LoadedModel, 'settings' | 'fitted' | 'computed'>,
): void => {
  const oracle = new EngineDriver(settings, fitted)
  for (const entry of entries) {
    const vector = oracle.takeLogged(entry)
    if (entry.kind !== 'decision') continue
    const { transactionId } = entry.decision.transaction
    expect(vector, `${entry.sequence} ${transactionId}`).toBeDefined()
    entry.vector.forEach((value, f) => {
      if (!Object.is(value, vector![f]))
        expect([entry.sequence, transactionId, computed[f], value]).toEqual([
          entry.sequence,
          transactionId,
          computed[f],
          vector![f],
        ])
    })
  }
}
