-- Ends the restoring of one shard, all or nothing: whatever is no row is written, and the shard may be opened again.
-- KEYS[1] owner, KEYS[2] restoring, KEYS[3] offsets, KEYS[4] outbox, KEYS[5] feeds, KEYS[6] feed offsets, KEYS[7] feed
-- count, KEYS[8] marked, KEYS[9] never written (checkpoint.lua says why). ARGV: token, then offsets, outbox, feeds, feed offsets, feed count, marked. Lists are packed
-- with cmsgpack.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'owner' end
for at = 1, 4 do
  local pairs_ = cmsgpack.unpack(ARGV[1 + at])
  redis.call('DEL', KEYS[2 + at])
  for one = 1, #pairs_, 2 do redis.call('HSET', KEYS[2 + at], pairs_[one], pairs_[one + 1]) end
end
redis.call('DEL', KEYS[7], KEYS[8])
redis.call('HSET', KEYS[7], 'count', ARGV[6])
for _, key in ipairs(cmsgpack.unpack(ARGV[7])) do redis.call('SADD', KEYS[8], key) end
redis.call('DEL', KEYS[2])
return 'ok'
