-- One group of feed batches, all or nothing: a compare-and-set on owner and number of commits.
-- KEYS[1] owner, KEYS[2] count, KEYS[3] request offsets, KEYS[4] batches, KEYS[5] copying, KEYS[6] before, KEYS[7] never
-- written (checkpoint.lua says why). ARGV: token, row prefix, expected count, offsets, rows, batches, ids done, name of
-- this commit. Lists are packed with cmsgpack. While somebody copies the shard, a row is put aside before it changes.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'owner' end
local have = redis.call('HGET', KEYS[2], 'count') or '0'
if have ~= ARGV[3] then
  if redis.call('HGET', KEYS[2], 'name') == ARGV[8] then return 'again' end
  return 'feeds'
end
local rows = cmsgpack.unpack(ARGV[5])
if redis.call('EXISTS', KEYS[5]) == 1 then
  for at = 1, #rows, 2 do
    if redis.call('HEXISTS', KEYS[6], rows[at]) == 0 then
      local row = redis.call('GET', ARGV[2] .. rows[at])
      redis.call('HSET', KEYS[6], rows[at], row and '+' .. row or '-')
    end
  end
end
for at = 1, #rows, 2 do redis.call('SET', ARGV[2] .. rows[at], rows[at + 1]) end
local offsets = cmsgpack.unpack(ARGV[4])
for at = 1, #offsets, 2 do redis.call('HSET', KEYS[3], offsets[at], offsets[at + 1]) end
for _, id in ipairs(cmsgpack.unpack(ARGV[7])) do redis.call('HDEL', KEYS[4], id) end
local batches = cmsgpack.unpack(ARGV[6])
for at = 1, #batches, 2 do redis.call('HSET', KEYS[4], batches[at], batches[at + 1]) end
redis.call('HSET', KEYS[2], 'count', tostring(tonumber(have) + 1), 'name', ARGV[8])
return 'ok'
