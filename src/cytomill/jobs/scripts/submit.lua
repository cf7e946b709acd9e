-- Submit a job, once: its first task is to list its items.
-- ARGV: job, queue, owner, jobs that owner may have at work, idempotency key or '', digest of what
-- is submitted, seconds to remember the key, then fields of the job and their values.
-- Returns {'new' | 'known' | 'conflict' | 'quota', job}.
local job, queue, owner, most, once, digest, remember = unpack(ARGV, 1, 7)
local once_key = key('once', #owner, owner, once)
if once ~= '' then
  local id, was = string.match(redis.call('GET', once_key) or '', '^(%S+) (%S*)$')
  if id and get(id, 'state') then return {was == digest and 'known' or 'conflict', id} end
end
if get(job, 'state') then return {'known', job} end
if redis.call('ZCARD', key('user', owner, 'atwork')) >= tonumber(most) then
  return {'quota', job}
end
if once ~= '' then redis.call('SET', once_key, job .. ' ' .. digest, 'EX', remember) end

-- No two jobs have the same time, so that a page of a list can begin after any of them.
local t = redis.call('TIME')
local newest = redis.call('ZREVRANGE', key('jobs'), 0, 0, 'WITHSCORES')[2]
local created = math.max(t[1] + t[2] / 1e6, (newest or 0) + 1e-6)
redis.call('HSET', key('job', job), unpack(ARGV, 8))
set(job, 'state', 'listing', 'queue', queue, 'created', created, 'next', 0, 'items', 0)
redis.call('ZADD', key('jobs'), created, job)
redis.call('ZADD', key('user', owner, 'jobs'), created, job)
redis.call('ZADD', key('user', owner, 'atwork'), created, job)
if redis.call('SADD', key('queues'), queue) == 1 then
  redis.call('XGROUP', 'CREATE', key('queue', queue, 'tasks'), GROUP, '$', 'MKSTREAM')
end
push(job, queue, 'list', 0, 0, 0, 0)
say(job, true)
return {'new', job}
