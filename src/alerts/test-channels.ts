import type { World } from '../foundation/world.ts'
import type { AlertChannel, AlertDelivery, AlertNotification } from '../ports/alert-channel.ts'
import { dedupKeyOf } from './alert-key.ts'

/** What became of a test. */
export interface ChannelTest {
  readonly channel: string
  readonly isDelivered: boolean
  /** Why not, or what people should know all the same. */
  readonly detail: string
}

/**
 * Sends a message that is marked as a test through each channel, and then its end, so that nothing stays open
 * at a receiver. Nothing of it is kept: it is the channels that are tried.
 */
export const testChannels = (
  channels: readonly AlertChannel[],
  { now, newId }: Pick<World, 'now' | 'newId'>,
): Promise<readonly ChannelTest[]> =>
  Promise.all(
    channels.map(async (channel): Promise<ChannelTest> => {
      const begin = testMessage(channel.name, newId(), now())
      const begun = await channel.send(begin)
      if (begun.kind !== 'delivered') return told(channel, begun)
      const ended = await channel.send({
        ...begin,
        id: `${begin.episode}.1`,
        action: 'resolve',
        ...(begun.thread !== undefined && { thread: begun.thread }),
      })
      return told(channel, ended.kind === 'delivered' ? { ...begun, ...ended } : ended)
    }),
  )

const told = ({ name }: AlertChannel, delivery: AlertDelivery): ChannelTest => ({
  channel: name,
  isDelivered: delivery.kind === 'delivered',
  detail: delivery.kind === 'delivered' ? (delivery.note ?? '') : delivery.reason,
})

const testMessage = (channel: string, id: string, nowMs: number): AlertNotification => ({
  id: `${id}.0`,
  dedupKey: dedupKeyOf({ model: 'test', kind: 'test', segment: channel }),
  episode: id,
  action: 'trigger',
  reason: 'test',
  model: 'test',
  kind: 'test',
  segment: channel,
  severity: 'moderate',
  summary: 'This is a test of the channel. Nothing has happened.',
  details: ['vigia alerts test has sent it, and ends it at once.'],
  startedMs: nowMs,
  atMs: nowMs,
  isTest: true,
})
