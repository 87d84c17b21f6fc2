-- One shard's checkpoint, all or nothing: a compare-and-set on owner and offsets, then rows, deletes and outbox.
-- KEYS[1] owner, KEYS[2] offsets, KEYS[3] outbox, KEYS[4] marked, KEYS[5] copying, KEYS[6] before, KEYS[7] never written:
-- while a slot of Redis Cluster moves, a script that names a missing key is refused whole (TRYAGAIN), where this one would
-- else break off at the first row that is missing here and leave half a checkpoint. ARGV: token, row prefix, expected
-- offsets, new offsets, deletes, rows, outbox, first outbox number to keep, keys to mark, keys to unmark. Lists are packed
-- with cmsgpack. While somebody copies the shard, a row is put aside before it changes.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'owner' end
local stored = redis.call('HGETALL', KEYS[2])
local have, count = {}, 0
for at = 1, #stored, 2 do have[stored[at]] = stored[at + 1]; count = count + 1 end
local function equal(packed)
  local wanted, number = cmsgpack.unpack(packed), 0
  for at = 1, #wanted, 2 do
    number = number + 1
    if have[wanted[at]] ~= wanted[at + 1] then return false end
  end
  return number == count
end
if not equal(ARGV[3]) then
  if equal(ARGV[4]) then return 'again' end
  return 'offsets'
end
local prefix = ARGV[2]
local deletes, rows = cmsgpack.unpack(ARGV[5]), cmsgpack.unpack(ARGV[6])
if redis.call('EXISTS', KEYS[5]) == 1 then
  local function aside(key)
    if redis.call('HEXISTS', KEYS[6], key) == 1 then return end
    local row = redis.call('GET', prefix .. key)
    redis.call('HSET', KEYS[6], key, row and '+' .. row or '-')
  end
  for _, key in ipairs(deletes) do aside(key) end
  for at = 1, #rows, 2 do aside(rows[at]) end
end
for _, key in ipairs(deletes) do redis.call('DEL', prefix .. key) end
for at = 1, #rows, 2 do redis.call('SET', prefix .. rows[at], rows[at + 1]) end
local offsets = cmsgpack.unpack(ARGV[4])
for at = 1, #offsets, 2 do redis.call('HSET', KEYS[2], offsets[at], offsets[at + 1]) end
local keep = tonumber(ARGV[8])
for _, number in ipairs(redis.call('HKEYS', KEYS[3])) do
  if tonumber(number) < keep then redis.call('HDEL', KEYS[3], number) end
end
local outbox = cmsgpack.unpack(ARGV[7])
for at = 1, #outbox, 2 do redis.call('HSET', KEYS[3], outbox[at], outbox[at + 1]) end
for _, key in ipairs(cmsgpack.unpack(ARGV[9])) do redis.call('SADD', KEYS[4], key) end
for _, key in ipairs(cmsgpack.unpack(ARGV[10])) do redis.call('SREM', KEYS[4], key) end
return 'ok'
