-- A consumer lives, and holds on to what it has in hand.
-- ARGV: consumer, then queue, entry, job of each task.
-- Returns for each task 1 to go on, 0 to stop: it is another's by now, or not wanted any more.
local consumer, keep = ARGV[1], {}
redis.call('ZADD', key('consumers'), now(), consumer)
for index = 2, #ARGV, 3 do
  local queue, entry, job = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local tasks = key('queue', queue, 'tasks')
  local held = redis.call('EXISTS', tasks) == 1
    and redis.call('XCLAIM', tasks, GROUP, consumer, 0, entry, 'JUSTID')
  local wanted = active(job) or get(job, 'state') == 'paused'
  keep[#keep + 1] = (wanted and held and #held > 0) and 1 or 0
end
return keep
