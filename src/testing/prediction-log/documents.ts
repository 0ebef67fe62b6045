import { ok, rejects } from 'node:assert/strict'
import { same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { law, type PredictionLogSubject, textsOf } from './log-law.ts'

/** Of the documents beside the records. */
export const documentLaws: readonly Law<PredictionLogSubject>[] = [
  law(
    6,
    'a document is replaced whole, and read by others and later processes',
    async ({ log: opened, place, reopen }) => {
      let log = opened
      same(await log.readDocument('model-1'), undefined)
      same(await place.reader().documentNames(), [])
      await log.writeDocument('model-1', 'a longer text')
      await log.writeDocument('model-1', 'ñandú')
      await log.writeDocument('origin', '')
      same(await log.readDocument('model-1'), 'ñandú')
      same(await place.reader().documentNames(), ['model-1', 'origin'])
      same(await place.reader().readDocument('origin'), '')
      log = await reopen(log)
      same(await log.readDocument('model-1'), 'ñandú')
      same(await textsOf(log.read(0)), [])
    },
  ),
  law(6, 'of two who write at once one wins', async ({ log, place }) => {
    const texts = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(10_000))
    await Promise.all(texts.map((text) => log.writeDocument('origin', text)))
    ok(texts.includes((await log.readDocument('origin')) ?? 'none'))
    same(await place.reader().documentNames(), ['origin'])
  }),
  ...['../up', 'a/b', 'Model', '', 'a.b', 'a b'].map((name) =>
    law(6, `${JSON.stringify(name)} is no name`, async ({ log, place }) => {
      await rejects(log.writeDocument(name, 'text'))
      same(await place.reader().documentNames(), [])
    }),
  ),
]
