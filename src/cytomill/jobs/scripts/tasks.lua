-- Tasks that wait, come back and end, and jobs that end.

-- Count tasks of a job that wait, in the job and, unless it is put aside, in the queue.
local function count(job, queue, tasks)
  redis.call('HINCRBY', key('job', job), 'waiting', tasks)
  if active(job) then redis.call('HINCRBY', key('queue', queue, 'numbers'), 'waiting', tasks) end
end

-- Put an active job's waiting tasks aside.
local function shelve(job, queue)
  redis.call('HINCRBY', key('queue', queue, 'numbers'), 'waiting', 0 - number(job, 'waiting'))
  redis.call('ZREM', key('queue', queue, 'suspects'), job)
  leave(queue, job)
end

-- Put them back.
local function unshelve(job, queue)
  local waiting = number(job, 'waiting')
  redis.call('HINCRBY', key('queue', queue, 'numbers'), 'waiting', waiting)
  if redis.call('EXISTS', key('job', job, 'suspects')) == 1 then
    redis.call('ZADD', key('queue', queue, 'suspects'), now(), job)
  end
  if waiting > 0 then join(queue, job) end
end

-- Tasks wait before the next items.
local function push(job, queue, kind, item, first, last, epoch)
  local line = table.concat({kind, item, first, last, epoch}, ' ')
  redis.call('RPUSH', key('job', job, 'more'), line)
  count(job, queue, last - first + 1)
  if active(job) then join(queue, job) end
end

-- One task waits so.
local function push_one(job, queue, kind, item, part, epoch)
  if kind == 'item' then push(job, queue, kind, 0, item, item, epoch)
  else push(job, queue, kind, item, part, part, epoch) end
end

-- An item has ended. Once all have, the report is what is left.
local function settle(job, queue)
  if all_ended(job) then
    redis.call('HINCRBY', key('job', job), 'reports', 1)
    push(job, queue, 'report', 0, 0, 0, number(job, 'reports'))
    say(job, true)
  else
    say(job, false)
  end
end

local function fail_item(job, queue, item, attempts, reason)
  mark(job, item, FAILED, attempts)
  drop_parts(job, item)
  redis.call('HINCRBY', key('job', job), 'failed', 1)
  local errors = key('job', job, 'errors')
  if redis.call('HLEN', errors) < ERRORS then redis.call('HSET', errors, item, reason) end
  tally('failed', 1)
  redis.call('LPUSH', key('failures'), table.concat({job, item, now(), reason}, ' '))
  redis.call('LTRIM', key('failures'), 0, FAILURES - 1)
  settle(job, queue)
end

-- Set when a job that has ended will be deleted.
local function expire(job)
  local finished, days = number(job, 'finished'), number(job, 'days')
  if finished > 0 and days > 0 and get(job, 'pinned') ~= '1' then
    local expires = finished + days * 86400
    set(job, 'expires', expires)
    redis.call('ZADD', key('expiry'), expires, 'job ' .. job)
  else
    set(job, 'expires', 0)
    redis.call('ZREM', key('expiry'), 'job ' .. job)
  end
end

-- A job that is at work ends.
local function end_job(job, state, reason)
  if active(job) then shelve(job, get(job, 'queue')) end
  for _, item in ipairs(redis.call('HKEYS', key('job', job, 'parts'))) do drop_parts(job, item) end
  for _, name in ipairs({'more', 'later', 'suspects', 'tries'}) do
    redis.call('UNLINK', key('job', job, name))
  end
  redis.call('ZREM', key('later'), 'tasks ' .. job, 'resume ' .. job)
  redis.call('ZREM', key('user', get(job, 'owner'), 'atwork'), job)
  set(job, 'waiting', 0, 'state', state, 'reason', reason, 'finished', now() / 1000)
  expire(job)
  say(job, true)
end

local function resume_job(job)
  if get(job, 'state') ~= 'paused' then return 0 end
  set(job, 'state', get(job, 'sealed') == '1' and 'running' or 'listing', 'reason', '')
  redis.call('ZREM', key('later'), 'resume ' .. job)
  unshelve(job, get(job, 'queue'))
  say(job, true)
  return 1
end

-- An attempt at a task of a job at work has failed or died: try again, or fail for good once there
-- were `most` of them; 0 where this one does not count.
-- `alone` tells that the task may have killed its consumer. Returns whether it will be tried again.
local function again(job, queue, kind, item, part, attempt, most, reason, alone, delay)
  local state, attempts = standing(job, item)
  local epoch = epoch_of(job, kind, item)
  if not epoch then return false end
  if kind == 'part' or kind == 'report' then
    if epoch ~= attempt then return false end
  elseif kind ~= 'list' and (state ~= TAKEN or attempts ~= attempt) then
    return false
  end
  local tries = 0
  if most > 0 then
    local field = table.concat({kind, item, part}, ' ')
    tries = redis.call('HINCRBY', key('job', job, 'tries'), field, 1)
  end
  if most > 0 and tries >= most then
    if kind == 'list' or kind == 'report' then end_job(job, 'failed', reason)
    else fail_item(job, queue, item, attempts, reason) end
    return false
  end
  if kind == 'item' then mark(job, item, WAITING, attempts) end
  local line = table.concat({kind, item, part, epoch}, ' ')
  if delay > 0 then
    redis.call('ZADD', key('job', job, 'later'), now() + delay, line)
    redis.call('ZADD', key('later'), 'LT', now() + delay, 'tasks ' .. job)
    count(job, queue, 1)
  elseif alone and tries >= 2 then
    redis.call('RPUSH', key('job', job, 'suspects'), line)
    if active(job) then redis.call('ZADD', key('queue', queue, 'suspects'), 'NX', now(), job) end
    count(job, queue, 1)
  else
    push_one(job, queue, kind, item, part, epoch)
  end
  return true
end
