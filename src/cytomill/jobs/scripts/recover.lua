-- Part of take: what comes back by itself.

-- What was put off and is due.
local function come_due()
  local later = key('later')
  for _, line in ipairs(redis.call('ZRANGEBYSCORE', later, 0, now(), 'LIMIT', 0, 100)) do
    redis.call('ZREM', later, line)
    local resumed = string.match(line, '^resume (%S+)$')
    if resumed then
      resume_job(resumed)
    else
      local queue, job, kind, item, part = string.match(line, '^(%S+) (%S+) (%S+) (%d+) (%d+)$')
      if active(job) or get(job, 'state') == 'paused' then
        count(job, queue, -1)
        come_back(job, queue, kind, tonumber(item), tonumber(part))
      end
    end
  end
end

-- Take tasks back from consumers that have not been heard of for a lease.
local REAP = 1000   -- ms between two looks
local function reap(queue, lease, most)
  local numbers, time = key('queue', queue, 'numbers'), now()
  local reaped = tonumber(redis.call('HGET', numbers, 'reaped') or 0)
  if time - reaped < REAP then return end
  if reaped > 0 and time - reaped > lease then
    -- Nobody asked for long: the server was away. Consumers get the time to say that they live.
    redis.call('HSET', numbers, 'reaped', time + lease / 2)
    return
  end
  redis.call('HSET', numbers, 'reaped', time)
  local tasks = key('queue', queue, 'tasks')
  if redis.call('XLEN', tasks) == 0 then return end
  local stale = redis.call('XAUTOCLAIM', tasks, GROUP, 'reaper', lease, '0-0', 'COUNT', 1000)[2]
  for _, found in ipairs(stale) do
    if found then take_back(queue, found[1], fields(found[2]), most) end
  end
end
