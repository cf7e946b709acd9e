-- An attempt gives its task back.
-- ARGV: job, queue, entry, kind, item, part, attempt, most tries (0: this one does not count),
-- reason, delay in ms.
-- Returns 1 where it will be tried again, 0 where not.
local job, queue, entry, kind, item, part, attempt, most, reason, delay = unpack(ARGV)
if redis.call('XACK', key('queue', queue, 'tasks'), GROUP, entry) == 0 then return 0 end
drop(queue, entry)
if not (active(job) or get(job, 'state') == 'paused') then return 0 end
return again(job, queue, kind, tonumber(item), tonumber(part), tonumber(attempt), tonumber(most),
  reason, false, tonumber(delay)) and 1 or 0
