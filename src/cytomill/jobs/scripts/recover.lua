-- What comes back: tasks that were put off, and those of consumers that died or hung.

local GONE = 600000      -- ms after which a consumer that was not heard of is forgotten

local function come_due()
  local later = key('later')
  for _, line in ipairs(redis.call('ZRANGEBYSCORE', later, 0, now(), 'LIMIT', 0, 100)) do
    local what, job = string.match(line, '^(%S+) (%S+)$')
    redis.call('ZREM', later, line)
    if what == 'resume' then
      resume_job(job)
    else
      local queue, tasks = get(job, 'queue'), key('job', job, 'later')
      for _, task in ipairs(redis.call('ZRANGEBYSCORE', tasks, 0, now(), 'LIMIT', 0, 1000)) do
        local kind, item, part, epoch = string.match(task, '^(%S+) (%d+) (%d+) (%d+)$')
        redis.call('ZREM', tasks, task)
        count(job, queue, -1)
        push_one(job, queue, kind, item, part, epoch)
      end
      local next_due = redis.call('ZRANGE', tasks, 0, 0, 'WITHSCORES')[2]
      if next_due then redis.call('ZADD', later, next_due, line) end
    end
  end
end

-- A consumer died or hung over the task of an entry.
local function take_back(queue, entry, stored, most)
  local task = {}
  for index = 1, #stored, 2 do task[stored[index]] = stored[index + 1] end
  drop(queue, entry)
  if at_work(task.job) then
    again(task.job, queue, task.kind, tonumber(task.item), tonumber(task.part),
      tonumber(task.attempt), most, 'the program that worked on it died or hung, ' .. most ..
      ' times; the file may be damaged, or need more memory than there is', true, 0)
  end
end

-- A consumer is dead. Returns how many tasks it had.
local function bury(queue, consumer, most)
  local tasks, found = key('queue', queue, 'tasks'), 0
  if redis.call('EXISTS', tasks) == 0 then return 0 end
  repeat
    local held = redis.call('XPENDING', tasks, GROUP, '-', '+', 1000, consumer)
    for _, pending in ipairs(held) do
      local entry = redis.call('XRANGE', tasks, pending[1], pending[1])[1]
      take_back(queue, entry[1], entry[2], most)
    end
    found = found + #held
  until #held == 0
  redis.call('XGROUP', 'DELCONSUMER', tasks, GROUP, consumer)
  return found
end

-- Take tasks back from consumers that have not been heard of for a lease.
local function reap(queue, lease, most)
  local numbers, time = key('queue', queue, 'numbers'), now()
  local reaped = redis.call('HGET', numbers, 'reaped') or 0
  if time - reaped < lease / 8 or redis.call('EXISTS', key('grace')) == 1 then return end
  redis.call('HSET', numbers, 'reaped', time)
  local tasks, cursor = key('queue', queue, 'tasks'), '0-0'
  repeat
    local stale
    cursor, stale = unpack(
      redis.call('XAUTOCLAIM', tasks, GROUP, 'reaper', lease, cursor, 'COUNT', 1000))
    for _, entry in ipairs(stale) do take_back(queue, entry[1], entry[2], most) end
  until cursor == '0-0'
  local gone = redis.call('ZRANGEBYSCORE', key('consumers'), 0, time - GONE, 'LIMIT', 0, 10)
  for _, consumer in ipairs(gone) do
    for _, other in ipairs(redis.call('SMEMBERS', key('queues'))) do bury(other, consumer, most) end
    redis.call('ZREM', key('consumers'), consumer)
  end
end
