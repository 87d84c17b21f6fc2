-- Takes a shard over to restore it: its owner is refused from now on, and nobody may open it.
-- KEYS[1] owner, KEYS[2] holder, KEYS[3] restoring, KEYS[4] never written (checkpoint.lua says why). ARGV: token, holder.
redis.call('SET', KEYS[3], ARGV[1])
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
