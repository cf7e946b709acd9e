-- Begin nothing more of a job. ARGV: job, queue, reason, ms until it goes on by itself (0: never).
-- Returns 1, or 0 where it is not at work or paused for longer already.
local job, queue, reason, delay = unpack(ARGV)
delay = tonumber(delay)
local state = get(job, 'state')
if state == 'paused' then
  if delay > 0 then return 0 end
elseif active(job) then
  shelve(job, queue)
else
  return 0
end
set(job, 'state', 'paused', 'reason', reason)
if delay > 0 then redis.call('ZADD', key('later'), now() + delay, 'resume ' .. job)
else redis.call('ZREM', key('later'), 'resume ' .. job) end
say(job, true)
return 1
