import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { REDIS_SERVER, REDIS_SERVER_MISSING } from '../integration/redis-server.ts'
import { type TrainedBank, trainSecondBank } from '../integration/second-bank-service.ts'
import { killVigiaServers } from '../integration/vigia-server.ts'
import { crashesLoseNothing, crashesOfFleetLoseNothing } from './served-crashes.ts'
import { servedByTwoIsReplayed, servedIsReplayed } from './served-parity.ts'

/** How much of the second bank is sent. */
export interface ServingSizes {
  /** To one server, and to two that share their states. */
  readonly transactions: { readonly one: number; readonly two: number }
  readonly crashes: {
    readonly one: { readonly crashes: number; readonly transactions: number }
    readonly two: { readonly crashes: number; readonly transactions: number }
  }
}

/** The laws of serving, on servers of their own processes that the second bank talks to over HTTP. */
export const servingSecondBank = ({ transactions, crashes }: ServingSizes): void => {
  const root = mkdtempSync(join(tmpdir(), 'vigia-second-bank-'))
  afterAll(async () => {
    await killVigiaServers()
    rmSync(root, { recursive: true, force: true })
  })

  let bank: TrainedBank
  beforeAll(async () => {
    bank = await trainSecondBank(root)
  })

  const folderOf = (name: string): string => {
    const folder = join(root, name)
    mkdirSync(folder)
    return folder
  }

  test(`${text(transactions.one)} transactions are served as an offline replay computes them, to the bit`, () =>
    servedIsReplayed({ folder: folderOf('parity'), bank, transactions: transactions.one, seed: 1 }))

  test(`${crashes.one.crashes} crashes lose no answer, and nothing is decided or learnt twice`, () =>
    crashesLoseNothing({ folder: folderOf('crashes'), bank, ...crashes.one, seed: 'crashes' }))

  describe.skipIf(REDIS_SERVER === undefined)(`on Redis (${REDIS_SERVER ?? REDIS_SERVER_MISSING})`, () => {
    test(`${text(transactions.two)} transactions to two servers that share their states: the same bits`, () =>
      servedByTwoIsReplayed({ folder: folderOf('shared'), bank, transactions: transactions.two, seed: 2 }))

    test(`${crashes.two.crashes} crashes of two servers, and one of their Redis, lose nothing`, () =>
      crashesOfFleetLoseNothing({
        folder: folderOf('fleet'),
        bank,
        ...crashes.two,
        seed: 'crashes of a fleet',
      }))
  })
}

const text = (count: number): string => count.toLocaleString('en')
