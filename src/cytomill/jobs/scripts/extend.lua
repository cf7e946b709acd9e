-- Items were found: those from `first` on. What was said before is not counted again.
-- ARGV: job, queue, first, number of items, '1' when these are the last, most items of a job.
-- Returns how many items the job has now; -1 where it takes none, -2 where there would be too many.
local job, queue, first, items, sealed, most = unpack(ARGV)
if not at_work(job) then return -1 end
local have, last = number(job, 'items'), first + items
if get(job, 'sealed') == '1' or tonumber(first) > have then return have end
if last > tonumber(most) then return -2 end
if last > have then
  -- The last of them, so that the string need not grow byte by byte.
  mark(job, last - 1, WAITING, 0)
  set(job, 'items', last)
  count(job, queue, last - have)
  if active(job) then join(queue, job) end
end
if sealed == '1' then
  set(job, 'sealed', 1)
  if get(job, 'state') == 'listing' then set(job, 'state', 'running') end
  settle(job, queue)
end
say(job, last > have)
return number(job, 'items')
