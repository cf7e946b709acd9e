-- Items were found: those from `first` on. What was said before is not counted again.
-- ARGV: job, queue, first, number of items, '1' when these are the last, most items of a job.
-- Returns how many items the job has now; -1 where it takes none, -2 where there would be too many.
local job, queue, first, items, sealed, most = unpack(ARGV)
first, items = tonumber(first), tonumber(items)
local state = get(job, 'state')
if state ~= 'listing' and state ~= 'paused' then return -1 end
local have = number(job, 'items')
local added = first + items - have
if first > have then return -1 end
if have + math.max(0, added) > tonumber(most) then return -2 end
if added > 0 then
  -- One byte beyond the last, so that the string never has to grow byte by byte.
  mark(job, have + added - 1, WAITING, 0)
  set(job, 'items', have + added)
  count(job, queue, added)
  if active(job) then join(queue, get(job, 'owner'), job) end
end
if sealed == '1' and get(job, 'sealed') ~= '1' then
  set(job, 'sealed', 1)
  if state == 'listing' then set(job, 'state', 'running') end
  settle(job, queue)
end
say(job, added > 0)
return number(job, 'items')
