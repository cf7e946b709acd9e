-- A consumer lives, and holds on to what it has in hand.
-- ARGV: consumer, lease in ms, what it tells of itself, then queue, entry, job of each task.
-- Returns for each task 1 to go on, 0 to stop: it is another's by now, or not wanted any more.
local TOLD = 30000  -- ms for which that is kept
local consumer, lease, keep = ARGV[1], tonumber(ARGV[2]), {}
heard(consumer, lease)
if ARGV[3] ~= '' then redis.call('SET', key('consumer', consumer), ARGV[3], 'PX', TOLD) end
for index = 4, #ARGV, 3 do
  local queue, entry, job = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local held = {}
  if at_work(job) then
    held = redis.call('XCLAIM', key('queue', queue, 'tasks'), GROUP, consumer, 0, entry, 'JUSTID')
  else
    drop(queue, entry)
  end
  keep[#keep + 1] = #held
end
return keep
