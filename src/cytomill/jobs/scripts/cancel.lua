-- Stop a job for good; what is done stays. ARGV: job, queue, 'cancelled' | 'deleting'.
-- Returns 1, or 0 where it has ended already.
local job, queue, target = unpack(ARGV)
local state = get(job, 'state')
if not state then return 0 end
local at_work = active(job) or state == 'paused'
if not at_work and target == 'cancelled' then return 0 end
for _, item in ipairs(redis.call('HKEYS', key('job', job, 'parts'))) do drop_parts(job, item) end
if at_work then end_job(job, 'cancelled', '') end
if target == 'deleting' then
  set(job, 'state', 'deleting')
  redis.call('ZADD', key('expiry'), 0, 'job ' .. job)
  say(job, true)
end
return 1
