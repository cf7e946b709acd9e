-- Remove what is known of a job, whose files are gone. ARGV: job.
local job = ARGV[1]
local owner = get(job, 'owner')
if not owner then
  redis.call('ZREM', key('expiry'), 'job ' .. job)
  return 0
end
for _, item in ipairs(redis.call('HKEYS', key('job', job, 'parts'))) do drop_parts(job, item) end
for _, name in ipairs({'states', 'more', 'tries', 'errors', 'parts'}) do
  redis.call('UNLINK', key('job', job, name))
end
redis.call('ZREM', key('jobs'), job)
redis.call('ZREM', key('user', owner, 'jobs'), job)
redis.call('ZREM', key('user', owner, 'atwork'), job)
redis.call('ZREM', key('expiry'), 'job ' .. job)
set(job, 'state', 'deleted')
say(job, true)
redis.call('DEL', key('job', job))
return 1
