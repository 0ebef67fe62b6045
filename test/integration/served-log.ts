import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import type { ModelParity } from '../../src/pipelines/parity/parity-of-log.ts'
import { databaseIn } from '../parity/replay-run.ts'
import type { Seen } from './serving-clients.ts'
import { runVigia, type VigiaServer } from './vigia-server.ts'

/** The log of a server that was started in `home`. */
export const logOf = (home: string): string => join(home, '.vigia/log')

/** Paths of all Parquet files of a folder; none where it is not there. */
export const parquetFiles = (folder: string): string[] => {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** A decision as the log has it. */
export interface LoggedDecision {
  readonly sequence: number
  readonly transactionId: string
  readonly probability: number
  readonly isFlagged: boolean
  readonly decidedAtMs: number
}

/**
 * Everything in some logs, after POST /save-logs: decisions and sequence numbers of labels, in their order,
 * and how many of the labels somebody has told.
 */
export const readLogs = (
  folder: string,
  logs: readonly string[],
): Promise<{
  readonly decisions: readonly LoggedDecision[]
  readonly labels: readonly number[]
  readonly told: number
}> =>
  withDatabase(databaseIn(folder), async (connection) => {
    const rows = async (kind: string, columns: string): Promise<readonly unknown[][]> => {
      const files = logs.flatMap((log) => parquetFiles(join(log, kind)))
      if (files.length === 0) return []
      const list = files.map(sqlLiteral).join(', ')
      // A record that was moved to two logs is one record.
      const result = await connection.runAndReadAll(
        `SELECT DISTINCT ${columns} FROM read_parquet([${list}], union_by_name = true) ORDER BY sequence`,
      )
      return result.getRows()
    }
    const decisions = await rows(
      'predictions',
      'sequence, transaction_id, probability, is_flagged, decided_at_ms',
    )
    const labels = await rows('labels', 'sequence, origin')
    return {
      decisions: decisions.map(([sequence, transactionId, probability, isFlagged, decidedAtMs]) => ({
        sequence: sequence as number,
        transactionId: transactionId as string,
        probability: probability as number,
        isFlagged: isFlagged as boolean,
        decidedAtMs: decidedAtMs as number,
      })),
      labels: labels.map(([sequence]) => sequence as number),
      told: labels.filter(([, origin]) => origin !== 'history' && origin !== 'delay').length,
    }
  })

/**
 * Holds the logs to what clients were told: every transaction was decided on exactly once, with the answer
 * that was given, and no place in the order is empty or taken twice.
 */
export const expectLogged = async (
  folder: string,
  logs: readonly string[],
  seen: Seen,
  labels: number,
): Promise<void> => {
  const logged = await readLogs(folder, logs)
  expect(seen.contradictions).toEqual([])
  expect(logged.decisions).toHaveLength(seen.answers.size)
  expect(logged.told).toBe(labels)
  const sequences = [...logged.decisions.map(({ sequence }) => sequence), ...logged.labels].sort(
    (a, b) => a - b,
  )
  expect(sequences.findIndex((sequence, at) => sequence !== at + 1)).toBe(-1)
  const unlike = logged.decisions.filter(
    ({ transactionId, sequence, probability, isFlagged, decidedAtMs }) => {
      const answer = seen.answers.get(transactionId)
      return !(
        answer?.predictionId.endsWith(`-${sequence}`) &&
        answer.sequence === sequence &&
        Object.is(answer.probability, probability) &&
        answer.isFlagged === isFlagged &&
        answer.decidedAt === new Date(decidedAtMs).toISOString()
      )
    },
  )
  expect(unlike.slice(0, 3)).toEqual([])
  expect(new Set(logged.decisions.map(({ transactionId }) => transactionId)).size).toBe(seen.answers.size)
}

/** What `vigia parity` says of some logs; fails when it finds anything. */
export const expectParity = async (
  folder: string,
  logs: readonly string[],
): Promise<ModelParity['report']> => {
  const words = ['parity', '--json', ...logs.flatMap((log) => ['--log', log])]
  const { status, stdout, stderr } = await runVigia(folder, words)
  expect(status, stderr + stdout).toBe(0)
  const [compared] = JSON.parse(stdout) as readonly ModelParity[]
  expect(compared?.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
  return compared!.report
}

/** Ends a server whose log has `count` decisions, each of another transaction, and holds it to a replay. */
export const expectAllLogged = async (server: VigiaServer, home: string, count: number): Promise<void> => {
  const saved = await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })
  expect(saved.status).toBe(200)
  const { decisions } = await readLogs(home, [logOf(home)])
  expect(decisions.length).toBe(count)
  expect(new Set(decisions.map(({ transactionId }) => transactionId)).size).toBe(count)
  await server.stop()
  await expectParity(home, [logOf(home)])
}
