-- Takes a shard over to restore it: its owner is refused from now on, nobody may open it, and a copy of it is over.
-- KEYS[1] owner, KEYS[2] holder, KEYS[3] restoring, KEYS[4] copying, KEYS[5] before, KEYS[6] never written
-- (checkpoint.lua says why). ARGV: token, holder.
redis.call('SET', KEYS[3], ARGV[1])
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[4], KEYS[5])
return 'ok'
