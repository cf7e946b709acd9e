-- An attempt gives its task back.
-- ARGV: job, queue, entry, kind, item, part, attempt, most tries (0: this one does not count),
-- reason, delay in ms.
-- Returns 1 where it will be tried again (also when it says so again), 0 where not.
local job, queue, entry, kind, item, part, attempt, most, reason, delay = unpack(ARGV)
local held = drop(queue, entry)
if not at_work(job) then return 0 end
if not held then
  local state = standing(job, item)
  local whole = kind == 'list' or kind == 'report'
  return (whole or state == WAITING or state == TAKEN) and 1 or 0
end
return again(job, queue, kind, tonumber(item), tonumber(part), tonumber(attempt), tonumber(most),
  reason, false, tonumber(delay)) and 1 or 0
