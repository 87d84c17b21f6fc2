-- Makes somebody the owner of a shard and answers what is stored besides its rows; false while it is being restored.
-- KEYS[1] owner, KEYS[2] holder, KEYS[3] offsets, KEYS[4] outbox, KEYS[5] feeds, KEYS[6] feed offsets, KEYS[7] feed
-- count, KEYS[8] restoring. ARGV: token, who that is.
if redis.call('EXISTS', KEYS[8]) == 1 then return false end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return {
  redis.call('HGETALL', KEYS[3]), redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5]),
  redis.call('HGETALL', KEYS[6]), redis.call('HGET', KEYS[7], 'count') or '0',
}
