-- Keys. All begin with {cytomill}: so that they share a slot in a Redis Cluster.
--
-- {cytomill}:job:J            hash    job J: what was submitted, its state and counts
-- {cytomill}:job:J:states     string  a byte for each item: state * 64 + attempts so far
-- {cytomill}:job:J:more       list    "kind item first last": tasks that come before the next item:
--                                     a range of the item's parts, or of items where kind is item
-- {cytomill}:job:J:tries      hash    "kind item part" -> attempts that failed or died
-- {cytomill}:job:J:errors     hash    item -> reason, of the first ERRORS failed items
-- {cytomill}:job:J:parts      hash    item -> "attempt total left" of items in parts
-- {cytomill}:job:J:parts:I    string  a bit for each part of item I: whether it is done
-- {cytomill}:jobs             zset    jobs -> time of submission
-- {cytomill}:user:U:jobs      zset    jobs of user U -> time of submission
-- {cytomill}:user:U:atwork    zset    those that have not ended, and some that have
-- {cytomill}:queues           set     queues that ever had a job
-- {cytomill}:queue:Q:users    zset    users with waiting tasks -> their virtual time
-- {cytomill}:queue:Q:user:U   zset    jobs of U with waiting tasks -> priority, virtual time
-- {cytomill}:queue:Q:ages     zset    jobs with waiting tasks -> time of submission
-- {cytomill}:queue:Q:tasks    stream  tasks in the hands of consumers, of the group "consumers"
-- {cytomill}:queue:Q:suspects list    "job kind item part": tasks to be tried alone
-- {cytomill}:queue:Q:numbers  hash    waiting; seconds (of a task, moving average); reaped (time)
-- {cytomill}:later            zset    "queue job kind item part" or "resume job" -> when it is due
-- {cytomill}:events           stream  job J and its state, when it changed
-- {cytomill}:consumers        zset    consumers -> when they were last heard of
-- {cytomill}:once:U:K         string  "J digest": the job that user U submitted with the key K
-- {cytomill}:expiry           zset    "job J" or "upload U" -> when it is to be deleted
--
-- Times are milliseconds since 1970 of the server's clock.

local PREFIX = '{cytomill}:'
local GROUP = 'consumers'

-- States of an item, times 64: below them is the number of attempts so far.
local WAITING, TAKEN, DONE, FAILED = 0, 64, 128, 192
local MOST = 63          -- attempts that a byte can count
local ERRORS = 10000     -- reasons kept in memory; all are in the bucket
local EVENTS = 20000     -- events kept, for readers that were away for a moment
local TELL = 500         -- ms between two events about the progress of a job

local function key(...) return PREFIX .. table.concat({...}, ':') end

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function get(job, field) return redis.call('HGET', key('job', job), field) end
local function set(job, ...) redis.call('HSET', key('job', job), ...) end
local function number(job, field) return tonumber(get(job, field) or 0) end

local function say(job, always)
  local time = now()
  if always or time - number(job, 'told') >= TELL then
    set(job, 'told', time)
    redis.call('XADD', key('events'), 'MAXLEN', '~', EVENTS, '*', 'job', job,
      'owner', get(job, 'owner') or '', 'state', get(job, 'state') or 'deleted')
  end
end

local function byte(job, item)
  local b = redis.call('GETRANGE', key('job', job, 'states'), item, item)
  if b == '' then return 0, 0 end
  local value = string.byte(b)
  return value - value % 64, value % 64
end

local function mark(job, item, state, attempts)
  redis.call('SETRANGE', key('job', job, 'states'), item, string.char(state + attempts))
end

-- The virtual time of users: those with the least go first. Who comes back starts with the others.
local function join(queue, user, job)
  local users = key('queue', queue, 'users')
  if not redis.call('ZSCORE', users, user) then
    local first = redis.call('ZRANGE', users, 0, 0, 'WITHSCORES')
    redis.call('ZADD', users, tonumber(first[2] or 0), user)
  end
  local mine = key('queue', queue, 'user', user)
  if not redis.call('ZSCORE', mine, job) then
    local classes = {high = 0, normal = 1, low = 2}
    local base = (classes[get(job, 'priority')] or 1) * 1e12
    local first = redis.call('ZRANGEBYSCORE', mine, base, base + 1e12 - 1, 'WITHSCORES', 'LIMIT', 0, 1)
    redis.call('ZADD', mine, math.max(base, tonumber(first[2] or 0)), job)
    redis.call('ZADD', key('queue', queue, 'ages'), number(job, 'created'), job)
  end
end

local function leave(queue, user, job)
  local mine = key('queue', queue, 'user', user)
  redis.call('ZREM', mine, job)
  redis.call('ZREM', key('queue', queue, 'ages'), job)
  if redis.call('EXISTS', mine) == 0 then
    redis.call('ZREM', key('queue', queue, 'users'), user)
  end
end

local function active(job)
  local state = get(job, 'state')
  return state == 'listing' or state == 'running'
end

-- Count tasks of a job that wait, in the job and, unless it is put aside, in the queue.
local function count(job, queue, tasks)
  redis.call('HINCRBY', key('job', job), 'waiting', tasks)
  if active(job) then
    redis.call('HINCRBY', key('queue', queue, 'numbers'), 'waiting', tasks)
  end
end

-- Put a job's waiting tasks aside (sign -1), or back (sign 1).
local function shelve(job, queue, sign)
  local waiting = number(job, 'waiting')
  if waiting > 0 then
    redis.call('HINCRBY', key('queue', queue, 'numbers'), 'waiting', sign * waiting)
  end
  if sign < 0 then leave(queue, get(job, 'owner'), job)
  elseif waiting > 0 then join(queue, get(job, 'owner'), job) end
end

local function push(job, queue, kind, item, first, last)
  local line = table.concat({kind, item, first, last}, ' ')
  redis.call('RPUSH', key('job', job, 'more'), line)
  count(job, queue, last - first + 1)
  if active(job) then join(queue, get(job, 'owner'), job) end
end

-- A single task waits again, before the next items. Of items, a line is a range of items.
local function come_back(job, queue, kind, item, part)
  if kind == 'item' then push(job, queue, kind, 0, item, item)
  else push(job, queue, kind, item, part, part) end
end

-- All items have ended: the report is what is left.
local function settle(job, queue)
  local ended = number(job, 'done') + number(job, 'failed')
  if get(job, 'sealed') == '1' and ended == number(job, 'items') then
    push(job, queue, 'report', 0, 0, 0)
    say(job, true)
  else
    say(job, false)
  end
end

local function drop_parts(job, item)
  redis.call('HDEL', key('job', job, 'parts'), item)
  redis.call('DEL', key('job', job, 'parts', item))
end

local function fail_item(job, queue, item, attempts, reason)
  mark(job, item, FAILED, attempts)
  drop_parts(job, item)
  redis.call('HINCRBY', key('job', job), 'failed', 1)
  local errors = key('job', job, 'errors')
  if redis.call('HLEN', errors) < ERRORS then redis.call('HSET', errors, item, reason) end
  settle(job, queue)
end

local function end_job(job, state, reason)
  if active(job) then shelve(job, get(job, 'queue'), -1) end
  if state ~= 'done' then
    set(job, 'waiting', 0)
    redis.call('DEL', key('job', job, 'more'))
  end
  set(job, 'state', state, 'reason', reason, 'finished', now() / 1000)
  local days = number(job, 'days')
  if days > 0 and get(job, 'pinned') ~= '1' then
    local expires = now() / 1000 + days * 86400
    set(job, 'expires', expires)
    redis.call('ZADD', key('expiry'), expires, 'job ' .. job)
  end
  say(job, true)
end

-- An attempt has failed or died: try again, or fail for good once there were `most` of them.
-- Returns whether it will be tried again. `alone` tells that the task may have killed its consumer.
local function again(job, queue, kind, item, part, attempt, most, reason, alone, delay)
  local state, attempts = 0, 0
  if kind == 'item' or kind == 'part' or kind == 'merge' then
    state, attempts = byte(job, item)
    if state ~= TAKEN or (kind ~= 'part' and attempts ~= attempt) then return false end
  end
  local tries = 0
  if most > 0 then
    local field = table.concat({kind, item, part}, ' ')
    tries = redis.call('HINCRBY', key('job', job, 'tries'), field, 1)
  end
  if (most > 0 and tries >= most) or attempts >= MOST then
    if kind == 'list' or kind == 'report' then
      end_job(job, 'failed', reason)
    else
      fail_item(job, queue, item, attempts, reason)
    end
    return false
  end
  if kind == 'item' then mark(job, item, WAITING, attempts) end
  if delay > 0 then
    local line = table.concat({queue, job, kind, item, part}, ' ')
    redis.call('ZADD', key('later'), now() + delay, line)
    count(job, queue, 1)
  elseif alone and tries >= 2 then
    local line = table.concat({job, kind, item, part}, ' ')
    redis.call('RPUSH', key('queue', queue, 'suspects'), line)
    count(job, queue, 1)
  else
    come_back(job, queue, kind, item, part)
  end
  return true
end

local function drop(queue, entry)
  local tasks = key('queue', queue, 'tasks')
  if redis.call('EXISTS', tasks) == 1 then
    redis.call('XACK', tasks, GROUP, entry)
    redis.call('XDEL', tasks, entry)
  end
end

local function fields(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end

-- A consumer died or hung over a task.
local function take_back(queue, entry, task, most)
  drop(queue, entry)
  if active(task.job) or get(task.job, 'state') == 'paused' then
    again(task.job, queue, task.kind, tonumber(task.item), tonumber(task.part),
      tonumber(task.attempt), most, 'the program that worked on it died or hung, ' .. most ..
      ' times; the file may be damaged, or need more memory than there is', true, 0)
  end
end

local function resume_job(job)
  if get(job, 'state') ~= 'paused' then return 0 end
  set(job, 'state', get(job, 'sealed') == '1' and 'running' or 'listing', 'reason', '')
  redis.call('ZREM', key('later'), 'resume ' .. job)
  local queue = get(job, 'queue')
  shelve(job, queue, 1)
  say(job, true)
  return 1
end
