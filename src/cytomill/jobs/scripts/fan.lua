-- An item turns out to have parts: each becomes a task, and the last to end brings the merge.
-- ARGV: job, queue, entry, item, attempt, parts. Returns 1, or 0 where another attempt counts.
local job, queue, entry, item, attempt, total = unpack(ARGV)
local state, attempts = standing(job, item)
drop(queue, entry)
if not at_work(job) or state ~= TAKEN or attempts ~= tonumber(attempt) then return 0 end
if fanned(job, item) then return 1 end
redis.call('HSET', key('job', job, 'parts'), item, table.concat({attempt, total, total}, ' '))
push(job, queue, 'part', item, 0, total - 1, attempt)
return 1
