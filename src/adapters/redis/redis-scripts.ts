import { createHash } from 'node:crypto'

/** A script of the server, by which all it does happens at once. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

const script = (text: string): Script => ({ text, sha1: createHash('sha1').update(text).digest('hex') })

/** Version of the state in a key: 8 bytes before it, a little-endian double; 0 without a state. */
const VERSION_OF = `
local function version_of(key)
  local head = redis.call('GETRANGE', key, 0, 7)
  if #head < 8 then return 0 end
  return (struct.unpack('<d', head))
end`

/**
 * KEYS: states, then receipts. ARGV: number of states; expected version and next value of each; bytes of each
 * receipt. A receipt that replaces another one has what is left of its life.
 */
export const SAVE = script(`${VERSION_OF}
local count = tonumber(ARGV[1])
for i = 1, count do
  if version_of(KEYS[i]) ~= tonumber(ARGV[2 * i]) then return 0 end
end
for i = 1, count do
  redis.call('SET', KEYS[i], ARGV[2 * i + 1])
end
for i = count + 1, #KEYS do
  redis.call('SET', KEYS[i], ARGV[1 + count + i], 'KEEPTTL')
end
return 1`)

/**
 * KEYS: receipt, sequence, outbox, states. ARGV: bytes of the receipt, its life in milliseconds, the entry;
 * expected version and next value of each state. The id of an entry in the outbox is its sequence number.
 *
 * A script that fails in the middle is not undone. So the outbox is first, which can refuse: when memory is
 * full, or when it has a later number already because the sequence was lost.
 */
export const COMMIT = script(`${VERSION_OF}
local known = redis.call('GET', KEYS[1])
if known then return {'repeated', known} end
for i = 4, #KEYS do
  if version_of(KEYS[i]) ~= tonumber(ARGV[2 * i - 4]) then return {'conflict'} end
end
local sequence = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
redis.call('XADD', KEYS[3], string.format('%d-0', sequence), 'entry', ARGV[3])
redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], struct.pack('<d', sequence) .. ARGV[1], 'PX', ARGV[2])
for i = 4, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i - 3])
end
return {'committed', sequence}`)

/** KEYS: outbox. ARGV: group, ids. */
export const SETTLE = script(`
for i = 2, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  redis.call('XDEL', KEYS[1], ARGV[i])
end
return #ARGV - 1`)

/** Forgets a consumer that has nothing left to settle. KEYS: outbox. ARGV: group, consumer. */
export const LEAVE = script(`
for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local facts = {}
  for i = 1, #each, 2 do facts[each[i]] = each[i + 1] end
  if facts.name == ARGV[2] and facts.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  end
end
return 1`)
