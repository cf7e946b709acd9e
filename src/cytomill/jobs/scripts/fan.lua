-- An item turns out to have parts: each becomes a task, and the last to end brings the merge.
-- ARGV: job, queue, entry, item, attempt, parts. Returns 'won' or 'lost'.
local job, queue, entry, item, attempt, total = unpack(ARGV)
local state, attempts = byte(job, item)
drop(queue, entry)
if not (active(job) or get(job, 'state') == 'paused') then return 'lost' end
if state ~= TAKEN or attempts ~= tonumber(attempt) then return 'lost' end
local parts = key('job', job, 'parts')
if redis.call('HEXISTS', parts, item) == 1 then return 'won' end
redis.call('HSET', parts, item, table.concat({attempt, total, total}, ' '))
push(job, queue, 'part', tonumber(item), 0, total - 1)
return 'won'
