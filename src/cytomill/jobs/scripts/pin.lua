-- Keep a job for ever ('1'), or let it expire ('0'). ARGV: job, '1' | '0'. Returns 1, 0 for no job.
local job, pinned = unpack(ARGV)
if redis.call('EXISTS', key('job', job)) == 0 then return 0 end
set(job, 'pinned', pinned)
local finished, days = number(job, 'finished'), number(job, 'days')
if pinned == '1' then
  set(job, 'expires', 0)
  redis.call('ZREM', key('expiry'), 'job ' .. job)
elseif finished > 0 and days > 0 then
  set(job, 'expires', finished + days * 86400)
  redis.call('ZADD', key('expiry'), finished + days * 86400, 'job ' .. job)
end
say(job, true)
return 1
