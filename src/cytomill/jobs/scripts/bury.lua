-- A consumer is known to be dead: its tasks are taken back at once.
-- ARGV: consumer, most tries, then queues. Returns how many tasks it had.
local consumer, most, found = ARGV[1], tonumber(ARGV[2]), 0
for index = 3, #ARGV do found = found + bury(ARGV[index], consumer, most) end
redis.call('ZREM', key('consumers'), consumer)
return found
