-- A consumer is known to be dead: its tasks are taken back at once.
-- ARGV: consumer, most tries, then queues. Returns how many tasks it had.
local consumer, most, found = ARGV[1], tonumber(ARGV[2]), 0
for index = 3, #ARGV do
  local queue = ARGV[index]
  local tasks = key('queue', queue, 'tasks')
  if redis.call('EXISTS', tasks) == 1 then
    for _, pending in ipairs(redis.call('XPENDING', tasks, GROUP, '-', '+', 1000, consumer)) do
      local entry = redis.call('XRANGE', tasks, pending[1], pending[1])[1]
      if entry then
        take_back(queue, entry[1], fields(entry[2]), most)
        found = found + 1
      end
    end
    redis.call('XGROUP', 'DELCONSUMER', tasks, GROUP, consumer)
  end
end
redis.call('ZREM', key('consumers'), consumer)
return found
