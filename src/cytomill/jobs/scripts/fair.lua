-- Which task is next, by start-time fair queueing. A user's virtual time grows by one with each
-- task, and the user with the least is next. Who comes starts with the time that was served last,
-- and so is next; who left and comes back goes on from their own time if that is later. Among the
-- jobs of a user and a priority it is the same.

local CLASS = 1e12       -- between the virtual times of two priorities
local CLASSES = {high = 0, normal = 1, low = 2}

-- A job has tasks to be given.
local function join(queue, job)
  local user = get(job, 'owner')
  local users, mine = key('queue', queue, 'users'), key('queue', queue, 'user', user)
  local clocks = key('queue', queue, 'clocks')
  if redis.call('ZSCORE', mine, job) then return end
  if not redis.call('ZSCORE', users, user) then
    local left = key('queue', queue, 'left')
    local clock = tonumber(redis.call('HGET', clocks, 'users') or 0)
    redis.call('ZADD', users, math.max(clock, redis.call('ZSCORE', left, user) or 0), user)
    redis.call('ZREM', left, user)
  end
  local class = CLASSES[get(job, 'priority')]
  local clock = tonumber(redis.call('HGET', clocks, class .. ' ' .. user) or 0)
  redis.call('ZADD', mine, math.max(class * CLASS, clock), job)
  redis.call('ZADD', key('queue', queue, 'ages'), get(job, 'created'), job)
end

-- A job has none any more.
local function leave(queue, job)
  local user = get(job, 'owner')
  local users, mine = key('queue', queue, 'users'), key('queue', queue, 'user', user)
  redis.call('ZREM', key('queue', queue, 'ages'), job)
  if redis.call('ZREM', mine, job) == 0 or redis.call('EXISTS', mine) == 1 then return end
  local clocks, left = key('queue', queue, 'clocks'), key('queue', queue, 'left')
  local clock = redis.call('HGET', clocks, 'users') or 0
  local time = redis.call('ZSCORE', users, user)
  redis.call('ZREM', users, user)
  redis.call('HDEL', clocks, '0 ' .. user, '1 ' .. user, '2 ' .. user)
  redis.call('ZADD', left, time, user)
  redis.call('ZREMRANGEBYSCORE', left, '-inf', clock)
end

-- The job that is next, its user, and how many tasks it is given before it is another's turn.
local function next_job(queue, wanted)
  local users = redis.call('ZRANGE', key('queue', queue, 'users'), 0, 1, 'WITHSCORES')
  local user, turn = users[1], wanted
  if not user then return nil end
  local jobs = redis.call('ZRANGE', key('queue', queue, 'user', user), 0, 1, 'WITHSCORES')
  for _, line in ipairs({users, jobs}) do
    if line[3] then turn = math.min(turn, line[4] - line[2] + 1) end
  end
  return jobs[1], user, turn
end

-- A job of a user was given tasks.
local function charge(queue, user, job, tasks)
  local clocks = key('queue', queue, 'clocks')
  local time = redis.call('ZINCRBY', key('queue', queue, 'users'), tasks, user)
  local own = redis.call('ZINCRBY', key('queue', queue, 'user', user), tasks, job)
  local class = math.floor((own - 1) / CLASS)
  redis.call('HSET', clocks, 'users', time - 1, class .. ' ' .. user, own - 1)
end
