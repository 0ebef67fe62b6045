import { createHash } from 'node:crypto'
import { DECIDED_LABEL, LABEL_PLACE_DIGITS } from '../../ports/state-store.ts'

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

/** Begins a mark (law 15 of `SharedStateStore`) where the name of a history stands otherwise. */
export const LOSS_MARK = '!'

/** Begins the name of who fills a store, where the name of a history stands otherwise. */
export const FILLER_MARK = '>'

/**
 * Every script begins so. KEYS 1 and 2: history, sequence. ARGV 1 and 2: name of the history that this
 * process expects, empty for none, and the highest number that it has seen. Of who fills the store (law 22)
 * KEYS 1 is the filler's, and ARGV 1 its own name.
 *
 * A store that lacks that is marked, so that it is refused to all: a process that has seen less could not
 * tell. The mark has the highest number that any of them has seen. Answers `lost` with what stands there.
 */
const CHECK = `
local function lost()
  if ARGV[1] == '' then return nil end
  local name = redis.call('GET', KEYS[1])
  if string.sub(ARGV[1], 1, 1) == '${FILLER_MARK}' then
    if name == ARGV[1] then return nil end
    return {'replaced'}
  end
  local last = tonumber(redis.call('GET', KEYS[2]) or '0')
  if name == ARGV[1] and last >= tonumber(ARGV[2]) then return nil end
  local expected, known, found = string.match(name or '', '^${LOSS_MARK}(%S+) (%d+) (-?%d+)$')
  if not name or name == ARGV[1] then
    name = string.format('${LOSS_MARK}%s %s %d', ARGV[1], ARGV[2], name and last or -1)
    redis.call('SET', KEYS[1], name)
  elseif expected == ARGV[1] and tonumber(known) < tonumber(ARGV[2]) then
    name = string.format('${LOSS_MARK}%s %s %s', expected, ARGV[2], found)
    redis.call('SET', KEYS[1], name)
  end
  return {'lost', name, last}
end
local found = lost()
if found then return found end`

/** Looks, and marks the store where something is missing. */
export const LOOK = script(`${CHECK}
return {'kept'}`)

/**
 * KEYS: history, sequence. ARGV: name, number, 1 where another history or a mark gives way. A lower number
 * never replaces a higher one.
 */
export const BEGIN = script(`
local name = redis.call('GET', KEYS[1])
if name and name ~= ARGV[1] and ARGV[3] ~= '1' then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
if tonumber(redis.call('GET', KEYS[2]) or '0') < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[2], ARGV[2])
end
return 1`)

/**
 * KEYS: history, sequence, filler, notes. ARGV: name of the new filler; 1 where the store must be as the next
 * two say; filler and history, empty for none; names and texts of notes. A store that has given a number is
 * never as it must be.
 */
export const BEGIN_FILLING = script(`
if ARGV[2] == '1' then
  if (redis.call('GET', KEYS[3]) or '') ~= ARGV[3] then return 0 end
  if (redis.call('GET', KEYS[1]) or '') ~= ARGV[4] then return 0 end
  if tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then return 0 end
end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[4], unpack(ARGV, 5))
return 1`)

/**
 * KEYS: filler, sequence, history, notes. ARGV after those of the check: name and number of the history, 1
 * where another one or a mark gives way, names and texts of notes.
 */
export const END_FILLING = script(`${CHECK}
redis.call('HSET', KEYS[4], unpack(ARGV, 6))
redis.call('DEL', KEYS[1])
local name = redis.call('GET', KEYS[3])
if name and name ~= ARGV[3] and ARGV[5] ~= '1' then return {'otherwise'} end
redis.call('SET', KEYS[3], ARGV[3])
if tonumber(redis.call('GET', KEYS[2]) or '0') < tonumber(ARGV[4]) then
  redis.call('SET', KEYS[2], ARGV[4])
end
return {'begun'}`)

/**
 * KEYS: history, sequence, what is written. ARGV after those of the check: commands, each after its length.
 */
export const WRITE = script(`${CHECK}
local i = 3
while i <= #ARGV do
  local last = i + tonumber(ARGV[i])
  redis.call(unpack(ARGV, i + 1, last))
  i = last + 1
end
return {'written'}`)

/**
 * KEYS: history, sequence, states, receipts. ARGV after those of the check: number of states; expected
 * version and next value of each; bytes of each receipt. A receipt that replaces another one has what is left
 * of its life.
 */
export const SAVE = script(`${CHECK}${VERSION_OF}
local count = tonumber(ARGV[3])
for i = 1, count do
  if version_of(KEYS[i + 2]) ~= tonumber(ARGV[2 * i + 2]) then return {'conflict'} end
end
for i = 1, count do
  redis.call('SET', KEYS[i + 2], ARGV[2 * i + 3])
end
for i = count + 1, #KEYS - 2 do
  redis.call('SET', KEYS[i + 2], ARGV[3 + count + i], 'KEEPTTL')
end
return {'saved'}`)

/** Keys of a commit before its states, and words of it before theirs. */
export const COMMIT_KEYS = 8
export const COMMIT_WORDS = 12

/**
 * KEYS: history, sequence, receipt, outbox, clock, due labels, waiting labels, another receipt (that of
 * a waiting label, or of its transaction's decision), states. ARGV after those of the check: bytes of the
 * receipt, its life in milliseconds, the entry; 1 where it replaces a receipt, and that one; what it has to
 * do with labels, and four words of that; expected version, next value and life in milliseconds, empty for
 * none, of each state. The id of an entry
 * in the outbox is its sequence number.
 *
 * A script that fails in the middle is not undone. So the outbox is first, which can refuse: when memory is
 * full, or when it has a later number already because the sequence was lost.
 */
export const COMMIT = script(`${CHECK}${VERSION_OF}
local known = redis.call('GET', KEYS[3])
if ARGV[6] == '1' then
  if not known then return {'otherwise'} end
  if known ~= ARGV[7] then return {'repeated', known} end
elseif known then return {'repeated', known} end
local labels = ARGV[8]
local clock
if labels == 'arrival' then
  clock = redis.call('GET', KEYS[5])
  if not clock or tonumber(clock) < tonumber(ARGV[9]) then clock = ARGV[9] end
  if #redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', clock, 'LIMIT', 0, 1) > 0 then return {'due'} end
elseif labels == 'wait' then
  if redis.call('EXISTS', KEYS[8]) == 1 then return {'otherwise'} end
  if not known and redis.call('ZCOUNT', KEYS[7], '(' .. ARGV[10], '+inf') >= tonumber(ARGV[11]) then
    return {'full'}
  end
elseif labels == 'delivery' then
  if redis.call('ZRANGE', KEYS[6], 0, 0)[1] ~= ARGV[9] then return {'otherwise'} end
end
local first = ${COMMIT_KEYS}
for i = first + 1, #KEYS do
  if version_of(KEYS[i]) ~= tonumber(ARGV[${COMMIT_WORDS} + 3 * (i - first) - 2]) then return {'conflict'} end
end
local sequence = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
redis.call('XADD', KEYS[4], string.format('%d-0', sequence), 'entry', ARGV[5])
redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[3], struct.pack('<d', sequence) .. ARGV[3], 'PX', ARGV[4])
for i = first + 1, #KEYS do
  local value, life = ARGV[${COMMIT_WORDS} + 3 * (i - first) - 1], ARGV[${COMMIT_WORDS} + 3 * (i - first)]
  if life == '' then redis.call('SET', KEYS[i], value) else redis.call('SET', KEYS[i], value, 'PX', life) end
end
local expired, due = 0, 0
if labels == 'arrival' then
  redis.call('SET', KEYS[5], clock)
  local text = string.format('${DECIDED_LABEL}%0${LABEL_PLACE_DIGITS}d', sequence) .. ARGV[11]
  local waiting = redis.call('GET', KEYS[8])
  if waiting then
    redis.call('DEL', KEYS[8])
    redis.call('ZREM', KEYS[7], ARGV[12])
    redis.call('ZADD', KEYS[6], '-inf', text .. '\\n' .. string.sub(waiting, 9))
    due = 1
  elseif ARGV[10] ~= '' then
    local at = ARGV[10]
    if tonumber(at) < tonumber(clock) then at = clock end
    redis.call('ZADD', KEYS[6], at, text)
  end
elseif labels == 'wait' then
  expired = redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', ARGV[10])
  redis.call('ZADD', KEYS[7], ARGV[9], ARGV[12])
elseif labels == 'delivery' then
  redis.call('ZREM', KEYS[6], ARGV[9])
elseif labels == 'told' then
  redis.call('DEL', KEYS[8])
  redis.call('ZREM', KEYS[7], ARGV[12])
end
return {'committed', sequence, redis.call('ZCARD', KEYS[7]), expired, due}`)

/**
 * KEYS: history, sequence, clock, due labels, waiting labels. ARGV after those of the check: time of a
 * transaction, or nothing for those alone whose transaction has come; how many. Answers with the clock, with
 * texts and times by turns, and with how many labels wait.
 */
export const DUE = script(`${CHECK}
local clock = redis.call('GET', KEYS[3]) or '-inf'
local by = ARGV[3]
if by == '' then by = '-inf' elseif tonumber(clock) and tonumber(clock) > tonumber(by) then by = clock end
local due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', by, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
return {'due', clock, due, redis.call('ZCARD', KEYS[5])}`)

/** KEYS: history, sequence, due labels. ARGV after those of the check: text of one. */
export const REMOVE_DUE = script(`${CHECK}
redis.call('ZREM', KEYS[3], ARGV[3])
return {'removed'}`)

/** KEYS: history, sequence, outbox. ARGV after those of the check: group, ids. */
export const SETTLE = script(`${CHECK}
for i = 4, #ARGV do
  redis.call('XACK', KEYS[3], ARGV[3], ARGV[i])
  redis.call('XDEL', KEYS[3], ARGV[i])
end
return {'settled'}`)

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
