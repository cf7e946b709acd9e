-- Submit a job, once: its first task is to list its items.
-- ARGV: job, queue, owner, jobs that owner may have at work, idempotency key or '', digest of what
-- is submitted, seconds to remember the key, then fields of the job and their values.
-- Returns {'new' | 'known' | 'conflict' | 'quota', job}.
local job, queue, owner, most, once, digest, remember = unpack(ARGV, 1, 7)
if once ~= '' then
  local known = redis.call('GET', key('once', owner, once))
  if known then
    local id, was = string.match(known, '^(%S+) (%S*)$')
    return {was == digest and 'known' or 'conflict', id}
  end
end
if redis.call('EXISTS', key('job', job)) == 1 then return {'known', job} end
local at_work = 0
for _, one in ipairs(redis.call('ZRANGE', key('user', owner, 'atwork'), 0, -1)) do
  if active(one) or get(one, 'state') == 'paused' then at_work = at_work + 1
  else redis.call('ZREM', key('user', owner, 'atwork'), one) end
end
if at_work >= tonumber(most) then return {'quota', job} end
if once ~= '' then
  redis.call('SET', key('once', owner, once), job .. ' ' .. digest, 'EX', remember)
end
local created = now() / 1000
redis.call('HSET', key('job', job), unpack(ARGV, 8))
set(job, 'state', 'listing', 'queue', queue, 'created', created, 'next', 0)
redis.call('ZADD', key('jobs'), created, job)
redis.call('ZADD', key('user', owner, 'jobs'), created, job)
redis.call('ZADD', key('user', owner, 'atwork'), created, job)
redis.call('SADD', key('queues'), queue)
redis.pcall('XGROUP', 'CREATE', key('queue', queue, 'tasks'), GROUP, '$', 'MKSTREAM')
push(job, queue, 'list', 0, 0, 0)
say(job, true)
return {'new', job}
