-- Begin nothing more of a job. ARGV: job, queue, reason, ms until it goes on by itself (0: never).
-- Returns 1, or 0 where it is not at work.
local job, queue, reason, delay = unpack(ARGV)
if not active(job) then return 0 end
shelve(job, queue, -1)
set(job, 'state', 'paused', 'reason', reason)
if tonumber(delay) > 0 then redis.call('ZADD', key('later'), now() + delay, 'resume ' .. job) end
say(job, true)
return 1
