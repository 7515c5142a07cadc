/**
 * The scripts that Redis runs: each is atomic, so that counter, stream and publication stay together. KEYS[1] is the hash with
 * the head of a topic (e epoch, o offset, m mark), KEYS[2] its stream, whose entries have the offset as their id and the fields
 * m (mark), p (the mark of the predecessor) and c (content). KEYS[3] is the record of a publish, by which a
 * repeated one is known.
 */

/** Reads the head into epoch, offset and mark; makes the topic, with the epoch of ARGV[1], if it is not there. */
const readHead = `
local head = redis.call('HMGET', KEYS[1], 'e', 'o', 'm')
local epoch, offset, mark = head[1], tonumber(head[2] or 0), head[3] or ''
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', epoch, 'o', 0, 'm', '')
end
`

/** ARGV: epoch of a new topic. Returns epoch, offset, mark. */
export const headScript = `${readHead}
return {epoch, offset, mark}
`

/**
 * ARGV: epoch of a new topic, mark, content, channel, count, milliseconds of history, milliseconds of the record,
 * PUBLISH or SPUBLISH. Returns epoch, offset, mark.
 */
export const publishScript = `${readHead}
local known = redis.call('GET', KEYS[3])
if known then return cjson.decode(known) end
local before = mark
offset = offset + 1
mark = ARGV[2]
redis.call('HSET', KEYS[1], 'o', offset, 'm', mark)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[5], offset .. '-0', 'm', mark, 'p', before, 'c', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('SET', KEYS[3], cjson.encode({epoch, offset, mark}), 'PX', ARGV[7])
redis.call(ARGV[8], ARGV[4], 's' .. epoch .. ' ' .. offset .. ' ' .. mark .. ' ' .. before .. ' ' .. ARGV[3])
return {epoch, offset, mark}
`

/**
 * ARGV: epoch of a new topic, then epoch, offset and mark of the position, most. Returns a reason or '', epoch, offset and mark
 * of the head, and the entries.
 */
export const sinceScript = `${readHead}
local from, most = tonumber(ARGV[3]), tonumber(ARGV[5])
local function refuse(reason) return {reason, epoch, offset, mark, {}} end
if ARGV[2] ~= epoch then return refuse('unknown-epoch') end
if from > offset then return refuse('rewound') end
if from == offset then
  if ARGV[4] ~= mark then return refuse('rewound') end
  return {'', epoch, offset, mark, {}}
end
local next = redis.call('XRANGE', KEYS[2], (from + 1) .. '-0', (from + 1) .. '-0')
if not next[1] then return refuse('expired') end
if next[1][2][4] ~= ARGV[4] then return refuse('rewound') end
if offset - from > most then return refuse('limit') end
return {'', epoch, offset, mark, redis.call('XRANGE', KEYS[2], (from + 1) .. '-0', '+')}
`

/**
 * KEYS: one of the topic. ARGV: PUBLISH or SPUBLISH, channel, message. In a cluster, the key has all messages of a topic go through
 * one server, or they would come in any order.
 */
export const sendScript = 'return redis.call(ARGV[1], ARGV[2], ARGV[3])'

/** ARGV: epoch of a new topic, most. Returns epoch, offset and mark of the head, and the newest entries, the newest first. */
export const lastScript = `${readHead}
local most = tonumber(ARGV[2])
local entries = {}
if most > 0 then entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', most) end
return {epoch, offset, mark, entries}
`
