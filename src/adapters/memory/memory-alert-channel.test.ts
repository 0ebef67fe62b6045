import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { alertChannelLaws } from '../../testing/alert-channel-laws.ts'
import { memoryChannelSubject } from './memory-alert-channel.test-kit.ts'

holdToLaws('the channel in memory keeps the laws of a channel', alertChannelLaws, memoryChannelSubject())
