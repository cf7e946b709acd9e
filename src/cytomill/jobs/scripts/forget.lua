-- Remove what is known of a job, whose files are gone. ARGV: job.
local job = ARGV[1]
local owner = get(job, 'owner')
redis.call('ZREM', key('expiry'), 'job ' .. job)
if not owner then return 0 end
if at_work(job) then end_job(job, 'cancelled', '') end
for _, name in ipairs({'states', 'tries', 'errors'}) do redis.call('UNLINK', key('job', job, name)) end
for _, line in ipairs(redis.call('LRANGE', key('failures'), 0, -1)) do
  if line:sub(1, #job + 1) == job .. ' ' then redis.call('LREM', key('failures'), 1, line) end
end
redis.call('ZREM', key('jobs'), job)
redis.call('ZREM', key('user', owner, 'jobs'), job)
redis.call('ZREM', key('expiry'), 'job ' .. job)
set(job, 'state', 'deleted')
say(job, true)
redis.call('DEL', key('job', job))
return 1
