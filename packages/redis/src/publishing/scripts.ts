import type { TopicPosition } from 'twoway/hub'

/**
 * The scripts that Redis runs: each is atomic, so that counter, stream and publication stay together. A topic has two keys:
 *
 * - its head, a text: the period in which its stream was last given its age, then epoch, offset and mark of its newest message;
 * - its stream. The messages of a topic that one script stores are one entry, whose id is the offset of the last one, and whose field m
 *   is the message of the channel that has them.
 *
 * A publish to many topics is dear for Redis by the texts that Lua makes and by the commands that it calls: hence texts that are passed
 * on as they are, and one command for the heads of all topics.
 */

/**
 * Reads a head into position, epoch and offset; makes the topic, with the epoch of ARGV[1], if it is not there. A stream
 * without a head is of a life of the topic that is over. GET and XLEN refuse keys of other programs.
 */
const readHead = `
local function read(head, key, stream)
  if not head then
    redis.call('GET', key)
    redis.call('XLEN', stream)
    redis.call('DEL', stream)
    head = '0 ' .. ARGV[1] .. ' 0 '
    redis.call('SET', key, head)
  end
  local position, epoch, offset = string.match(head, '^%S+ ((%S+) (%d+) %S*)$')
  if not position then error('the key ' .. key .. ' is not the head of a topic', 0) end
  return position, epoch, tonumber(offset)
end
`

/** KEYS: head and stream. ARGV: epoch of a new topic. Returns epoch, offset and mark in one text. */
export const headScript = `${readHead}
local position = read(redis.call('GET', KEYS[1]), KEYS[1], KEYS[2])
return position
`

/**
 * Stores messages of topics, and publishes those of each topic in one message of its channel.
 *
 * - KEYS: the record of all of them, by which a repetition is known; the heads of the topics; their streams; then a record for each
 *   message with an id.
 * - ARGV: epoch of a new topic, tag, PUBLISH or SPUBLISH, count of history, milliseconds after which a stream expires, milliseconds
 *   of a period, those of the record of all, empty for none, and those of the other records; the number of topics. Then for each
 *   topic its channel, the count of its messages, and the messages as they are stored. If some have an id, 0 stands in the place of
 *   the count and the number of pieces behind it; then for each piece its messages, the number of the last one, and their count: 0 is
 *   one message with an id.
 * - Returns lines: the tag; then for each topic its position before its new messages and, each behind a tab, the number and the record
 *   of each message that was stored earlier; or ! and an error. The mark of a new message is the tag with its number.
 *
 * An error of one topic must not stop those behind it. It must not come between the entry and the head of its topic either, so
 * that the records are read first. Errors of the server have it refuse the script before it stores a message. The broker runs it
 * again then, so that no other error may pass for one: the error about a head contains the name of the topic.
 *
 * An entry of another program behind the head, as XADD * makes it, leaves no id for the next message. The stream begins anew then.
 *
 * A stream is told its age once in each period, and trimmed by whole nodes when an eighth of its history is new. Readers leave
 * out the rest.
 */
export const publishScript = `${readHead}
if ARGV[7] ~= '' then
  local stored = redis.call('GET', KEYS[1])
  if stored then return stored end
end
local tag, command, historyCount, topics = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = ARGV[5] .. ':' .. string.format('%d ', (time[1] * 1000 + time[2] / 1000) / ARGV[6])
local trimEvery = math.max(math.floor(historyCount / 8), 1)
local heads, changed, reply = redis.call('MGET', unpack(KEYS, 2, topics + 1)), {}, {tag}

local function joined(at, record)
  local known, new, earlier, texts, count, last = {}, {}, {}, {}, 0, nil
  for piece = at + 1, at + 3 * ARGV[at], 3 do
    local number, size = ARGV[piece + 1], tonumber(ARGV[piece + 2])
    local id = size == 0 and KEYS[record]
    if id then
      record, size = record + 1, 1
      if known[id] == nil then known[id] = redis.call('GET', id) end
    end
    if id and known[id] then
      earlier[#earlier + 1] = {number, known[id]}
    else
      count, last = count + size, number
      texts[#texts + 1] = ARGV[piece]
      if id then
        known[id] = {id = id, offset = count, mark = tag .. '.' .. number}
        new[#new + 1] = known[id]
      end
    end
  end
  return count, last, table.concat(texts), new, earlier
end

local function store(topic, at, record)
  local key, stream = KEYS[topic + 1], KEYS[topic + topics + 1]
  local last, text, new, earlier = ARGV[at + 1], ARGV[at + 2], nil, nil
  local count = tonumber(last)
  if count == 0 then count, last, text, new, earlier = joined(at + 2, record) end
  local head, isDue, position, epoch, before = heads[topic], false, nil, nil, nil
  if head and string.find(head, now, 1, true) == 1 then
    position = string.sub(head, #now + 1)
    epoch, before = string.match(position, '^(%S+) (%d+) ')
    before = tonumber(before)
  end
  if not before then
    isDue, position, epoch, before = true, read(head, key, stream)
  end
  local line = position
  if count > 0 then
    local offset = before + count
    local id = string.format('%d', offset)
    local message = 's' .. tag .. ' ' .. position .. ' ' .. text
    local isThere
    if math.floor(offset / trimEvery) == math.floor(before / trimEvery) then
      isThere = redis.call('XADD', stream, 'NOMKSTREAM', id, 'm', message)
    else
      local oldest = string.format('%d', math.max(offset - historyCount + 1, 0))
      isThere = redis.call('XADD', stream, 'NOMKSTREAM', 'MINID', '~', oldest, id, 'm', message)
    end
    if not isThere then redis.call('XADD', stream, id, 'm', message) end
    changed[#changed + 1] = key
    changed[#changed + 1] = now .. epoch .. ' ' .. id .. ' ' .. tag .. '.' .. last
    if isDue or not isThere then redis.call('PEXPIRE', stream, ARGV[5]) end
    for _, made in ipairs(new or {}) do
      made.text = epoch .. ' ' .. string.format('%d', before + made.offset) .. ' ' .. made.mark
      redis.call('SET', made.id, made.text, 'PX', ARGV[8])
    end
    redis.call(command, ARGV[at], message)
  end
  for _, known in ipairs(earlier or {}) do
    line = line .. '\\t' .. known[1] .. ' ' .. (known[2].text or known[2])
  end
  return line
end

local function textOf(answer)
  return type(answer) == 'table' and answer.err or tostring(answer)
end

local function finish()
  if #changed > 0 then redis.call('MSET', unpack(changed)) end
end

local at, record = 10, 2 * topics + 2
for topic = 1, topics do
  local isStored, answer = pcall(store, topic, at, record)
  if not isStored and string.find(textOf(answer), 'equal or smaller', 1, true) then
    redis.call('DEL', KEYS[topic + topics + 1])
    isStored, answer = pcall(store, topic, at, record)
  end
  if not isStored then
    local text = textOf(answer)
    local isOfHead = string.find(text, 'is not the head of a topic', 1, true)
    for _, code in ipairs({'READONLY', 'NOREPLICAS', 'MASTERDOWN', 'CLUSTERDOWN', 'LOADING', 'TRYAGAIN'}) do
      if not isOfHead and string.find(text, code, 1, true) then
        finish()
        error(answer, 0)
      end
    end
    answer = '!' .. text
  end
  reply[topic + 1] = answer
  if ARGV[at + 1] ~= '0' then
    at = at + 3
  else
    local pieces = tonumber(ARGV[at + 2])
    for piece = 1, pieces do
      if ARGV[at + 3 * piece + 2] == '0' then record = record + 1 end
    end
    at = at + 3 + 3 * pieces
  end
end
finish()
local text = table.concat(reply, '\\n')
if ARGV[7] ~= '' then redis.call('SET', KEYS[1], text, 'PX', ARGV[7]) end
return text
`

/**
 * KEYS: head and stream. ARGV: epoch of a new topic, then epoch and offset of a position, the most messages that may follow it, and
 * the count of history. Returns epoch, offset and mark of the head in one text, and the entries from the next message on: only the
 * first one if too many follow, to check the position, and none if none can be resumed from.
 */
export const sinceScript = `${readHead}
local position, epoch, offset = read(redis.call('GET', KEYS[1]), KEYS[1], KEYS[2])
local from = tonumber(ARGV[3])
local missed = offset - from
if ARGV[2] ~= epoch or from < 0 or missed <= 0 or missed > tonumber(ARGV[5]) then return {position, {}} end
local first, last = string.format('%d', from + 1), string.format('%d', offset)
if missed > tonumber(ARGV[4]) then return {position, redis.call('XRANGE', KEYS[2], first, last, 'COUNT', 1)} end
return {position, redis.call('XRANGE', KEYS[2], first, last)}
`

/**
 * KEYS: one of the topic. ARGV: PUBLISH or SPUBLISH, channel, message. In a cluster, the key has all messages of a topic go through
 * one server, or they would come in any order.
 */
export const sendScript = 'return redis.call(ARGV[1], ARGV[2], ARGV[3])'

/**
 * KEYS: head and stream. ARGV: epoch of a new topic, most. Returns epoch, offset and mark of the head in one text, and the entries
 * with the newest messages.
 */
export const lastScript = `${readHead}
local position, _, offset = read(redis.call('GET', KEYS[1]), KEYS[1], KEYS[2])
local most = tonumber(ARGV[2])
if most == 0 then return {position, {}} end
local first, last = string.format('%d', math.max(offset - most + 1, 0)), string.format('%d', offset)
return {position, redis.call('XRANGE', KEYS[2], first, last)}
`

/** A position as the scripts write it: epoch, offset and mark. */
export function positionOf(text: string): TopicPosition {
  const [epoch, offset, mark] = text.split(' ')
  return { epoch: epoch!, offset: Number(offset), mark: mark! }
}
