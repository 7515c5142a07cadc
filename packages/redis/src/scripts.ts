/**
 * The scripts that Redis runs: each is atomic, so that counter, stream and publication stay together. KEYS[1] is the hash with
 * the head of a topic (e epoch, o offset, m mark), KEYS[2] its stream, whose entries have the offset as their id and the fields
 * m (mark), p (the mark of the predecessor) and c (content).
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
 * Stores messages of topics, and publishes those of each topic in one message of its channel.
 *
 * - KEYS: the record of all of them, by which a repetition is known; then for each topic its head, its stream, and a record for each
 *   message with an id.
 * - ARGV: epoch of a new topic, tag, PUBLISH or SPUBLISH, count and milliseconds of history, milliseconds of the record of all, empty
 *   for none, and of the other records; then for each topic its channel and the number of its messages; then for each message
 *   its content, and the content's length in UTF-16 code units, below 0 if the message has an id.
 * - Returns the tag; then for each topic its epoch, the offset of its first new message, and the number, epoch, offset and mark of each
 *   message that was stored earlier; or an error instead. The mark of a new message is the tag with its number.
 *
 * An error of one topic must not stop those behind it. It must not come between the entries and the head of its topic either, so
 * that the records are read first. Errors of the server have it refuse the script before it stores a message.
 */
export const publishScript = `
if ARGV[6] ~= '' then
  local stored = redis.call('GET', KEYS[1])
  if stored then return cjson.decode(stored) end
end
local tag, key, at = ARGV[2], 2, 8
local function store(head, stream, channel, count, record, at)
  local known = redis.call('HMGET', head, 'e', 'o', 'm')
  local epoch, offset, mark = known[1], tonumber(known[2] or 0), known[3] or ''
  if not epoch then
    epoch = ARGV[1]
    redis.call('HSET', head, 'e', epoch, 'o', 0, 'm', '')
  end
  local first, before, earlier, added, isTrimmed = offset + 1, mark, {}, {}, false
  local records, last = {}, record
  for number = 1, count do
    if string.byte(ARGV[at + 2 * number - 1]) == 45 then
      records[KEYS[last]] = redis.call('GET', KEYS[last])
      last = last + 1
    end
  end
  for number = 1, count do
    local content, length, isNew = ARGV[at], tonumber(ARGV[at + 1]), true
    local id = length < 0 and KEYS[record]
    if id then
      record, length = record + 1, -length
      local known = records[id]
      if known then
        isNew = false
        known = cjson.decode(known)
        earlier[#earlier + 1] = {number, known[1], known[2], known[3]}
      end
    end
    if isNew then
      local previous = mark
      offset = offset + 1
      mark = tag .. '.' .. number
      if number == count then
        redis.call('XADD', stream, 'MAXLEN', ARGV[4], offset .. '-0', 'm', mark, 'p', previous, 'c', content)
        isTrimmed = true
      else
        redis.call('XADD', stream, offset .. '-0', 'm', mark, 'p', previous, 'c', content)
      end
      if id then
        records[id] = cjson.encode({epoch, offset, mark})
        redis.call('SET', id, records[id], 'PX', ARGV[7])
      end
      added[#added + 1] = number .. ' ' .. length .. ' ' .. content
    end
    at = at + 2
  end
  if #added > 0 then
    redis.call('HSET', head, 'o', offset, 'm', mark)
    if not isTrimmed then redis.call('XTRIM', stream, 'MAXLEN', ARGV[4]) end
    redis.call('PEXPIRE', stream, ARGV[5])
    redis.call(ARGV[3], channel, 's' .. epoch .. ' ' .. first .. ' ' .. tag .. ' ' .. before .. ' ' .. table.concat(added))
  end
  return {epoch, first, earlier}
end
local reply = {tag}
while at <= #ARGV do
  local count, record = tonumber(ARGV[at + 1]), key + 2
  local isStored, answer = pcall(store, KEYS[key], KEYS[key + 1], ARGV[at], count, record, at + 2)
  if not isStored then
    local text = type(answer) == 'table' and answer.err or tostring(answer)
    for _, code in ipairs({'READONLY', 'NOREPLICAS', 'MASTERDOWN', 'CLUSTERDOWN', 'LOADING', 'TRYAGAIN'}) do
      if string.find(text, code, 1, true) then error(answer, 0) end
    end
    answer = text
  end
  reply[#reply + 1] = answer
  key, at = key + 2, at + 2
  for number = 1, count do
    if string.byte(ARGV[at + 1]) == 45 then key = key + 1 end
    at = at + 2
  end
end
if ARGV[6] ~= '' then redis.call('SET', KEYS[1], cjson.encode(reply), 'PX', ARGV[6]) end
return reply
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
