-- Takes a shard over and reads what is stored of it besides rows, at one moment; false while it is being restored.
-- KEYS[1] owner, KEYS[2] holder, KEYS[3] offsets, KEYS[4] outbox, KEYS[5] feeds, KEYS[6] feed offsets, KEYS[7] feed
-- count, KEYS[8] restoring, KEYS[9] never written (checkpoint.lua says why). ARGV: token, holder.
if redis.call('EXISTS', KEYS[8]) == 1 then return false end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
local found = {}
for at = 3, 6 do found[#found + 1] = redis.call('HGETALL', KEYS[at]) end
found[#found + 1] = redis.call('HGET', KEYS[7], 'count') or '0'
return found
