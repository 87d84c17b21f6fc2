-- Begins a copy of one shard: from now on its rows are put aside before they change, and all but its rows is answered.
-- KEYS[1] copying, KEYS[2] before, KEYS[3] offsets, KEYS[4] outbox, KEYS[5] feeds, KEYS[6] feed offsets, KEYS[7] feed
-- count, KEYS[8] marked, KEYS[9] restoring, KEYS[10] never written (checkpoint.lua says why). ARGV: token, milliseconds after which a copy that nobody renews is over.
if redis.call('EXISTS', KEYS[1], KEYS[9]) > 0 then return false end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], '', ARGV[1])  -- a key that is not there cannot be given a time to live
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2])  -- it outlives the sign that says to write to it
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {
  redis.call('HGETALL', KEYS[3]), redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5]),
  redis.call('HGETALL', KEYS[6]), redis.call('HGET', KEYS[7], 'count') or '0', redis.call('SMEMBERS', KEYS[8]),
}
