-- Stop a job for good; what is done stays.
-- ARGV: job, 'cancelled' | 'deleting' | 'expired': deleting where it is time.
-- Returns 1, or 0 where it has ended already, or it is not time.
local job, target = unpack(ARGV)
if target == 'expired' then
  local due = redis.call('ZSCORE', key('expiry'), 'job ' .. job)
  if not due or due * 1000 > now() then return 0 end
  target = 'deleting'
end
-- A script that has removed something may write though the memory is full: who deletes makes room.
redis.call('ZREM', key('later'), 'resume ' .. job)
local state, working = get(job, 'state'), at_work(job)
if not state or (not working and target == 'cancelled') then return 0 end
if working then end_job(job, 'cancelled', '') end
if target == 'deleting' and state ~= 'deleting' then
  set(job, 'state', 'deleting')
  redis.call('ZADD', key('expiry'), 0, 'job ' .. job)
  say(job, true)
end
return 1
