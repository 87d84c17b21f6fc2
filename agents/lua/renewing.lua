-- Keeps a copy of one shard alive: 1, or 0 where it is over, since nobody renewed it in time.
-- KEYS[1] copying, KEYS[2] before, KEYS[3] never written (checkpoint.lua says why). ARGV: token, milliseconds until it is over.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
