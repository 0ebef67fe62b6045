import type { AlertChannel, AlertDelivery, AlertNotification } from '../ports/alert-channel.ts'

/** Channels do not throw; one of somebody else's may, and must not stop the others. */
export const sendSafely = async (
  channel: AlertChannel,
  notification: AlertNotification,
): Promise<AlertDelivery> => {
  try {
    return await channel.send(notification)
  } catch (error) {
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) }
  }
}
