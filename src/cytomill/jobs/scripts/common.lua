-- Keys. All begin with {cytomill}: so that they share a slot in a Redis Cluster.
--
-- {cytomill}:job:J            hash    job J: what was submitted, its state and counts
-- {cytomill}:job:J:states     string  four bytes for each item: state + attempts so far
-- {cytomill}:job:J:more       list    "kind item first last epoch": tasks that come before the next
--                                     item: a range of items where kind is item, else of parts
-- {cytomill}:job:J:later      zset    "kind item part epoch": tasks put off -> when they are due
-- {cytomill}:job:J:suspects   list    "kind item part epoch": tasks to be tried alone
-- {cytomill}:job:J:tries      hash    "kind item part" -> attempts that failed or died
-- {cytomill}:job:J:errors     hash    item -> reason, of ERRORS failed items at most
-- {cytomill}:job:J:parts      hash    item -> "attempt total left" of items in parts
-- {cytomill}:job:J:parts:I    string  a bit for each part of item I: whether it is done
-- {cytomill}:jobs             zset    jobs -> time of submission
-- {cytomill}:user:U:jobs      zset    jobs of user U -> time of submission
-- {cytomill}:user:U:atwork    zset    those that have not ended -> time of submission
-- {cytomill}:queues           set     queues that ever had a job
-- {cytomill}:queue:Q:users    zset    users with tasks to be given -> their virtual time
-- {cytomill}:queue:Q:left     zset    users without, who had more than others -> their virtual time
-- {cytomill}:queue:Q:user:U   zset    jobs of U with tasks to be given -> priority, virtual time
-- {cytomill}:queue:Q:clocks   hash    "users" or "priority U" -> virtual time that was served last
-- {cytomill}:queue:Q:ages     zset    jobs with tasks to be given -> time of submission
-- {cytomill}:queue:Q:suspects zset    jobs with suspects -> when one of theirs was tried last
-- {cytomill}:queue:Q:tasks    stream  tasks in the hands of consumers, of the group "consumers"
-- {cytomill}:queue:Q:numbers  hash    waiting; seconds (of a task, moving average); reaped (time)
-- {cytomill}:later            zset    "tasks J" or "resume J" -> when it is due
-- {cytomill}:events           stream  job J and its state, when it changed
-- {cytomill}:consumers        zset    consumers -> when they were last heard of
-- {cytomill}:consumer:K       string  what consumer K last told of itself, JSON
-- {cytomill}:servers          zset    model servers -> when they were last heard of
-- {cytomill}:server:N         string  where model server N is and what it last told of itself, JSON
-- {cytomill}:minute:N         hash    done, failed, seconds: of items that ended in minute N of time
-- {cytomill}:failures         list    "job item time reason", the newest first, of FAILURES items
-- {cytomill}:grace            string  there while consumers may not have been able to be heard
-- {cytomill}:once:N:U:K       string  "J digest": the job that user U, of N letters, submitted with
--                                     the idempotency key K
-- {cytomill}:expiry           zset    "job J" or "upload U" -> when it is to be deleted
--
-- Times of jobs and of expiry are seconds, others milliseconds, since 1970 by the server's clock.
--
-- A job's tasks wait in four places: its items from `next` on, `more`, `later` and `suspects`. Its
-- field `waiting` is how many they are, and a queue's `waiting` the sum of those of its active jobs.
--
-- An epoch tells tasks that a failure or a retry left behind from those that are meant: of parts
-- and merges the attempt that fanned the item out, of reports their number, else 0.

local PREFIX = '{cytomill}:'
local GROUP = 'consumers'

-- States of an item, in the upper two bits of 32: below them is the number of attempts so far.
local WAITING, TAKEN, DONE, FAILED = 0, 2 ^ 30, 2 * 2 ^ 30, 3 * 2 ^ 30
local WIDTH = 4          -- bytes of an item
local ERRORS = 10000     -- reasons kept in memory; all are in the bucket
local FAILURES = 1000    -- newest failures of all jobs, for operators
local MINUTES = 691200   -- seconds for which the counts of a minute are kept: 8 days
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

-- Whether tasks of a job may be given to consumers.
local function active(job)
  local state = get(job, 'state')
  return state == 'listing' or state == 'running'
end

-- Whether a job has not ended. Where this is not so nothing may be written about it: its keys may
-- be gone, and would be there again.
local function at_work(job)
  return active(job) or get(job, 'state') == 'paused'
end

-- Count what ended in this minute.
local function tally(field, amount)
  local minute = key('minute', math.floor(now() / 60000))
  local new = redis.call('EXISTS', minute) == 0
  redis.call('HINCRBYFLOAT', minute, field, amount)
  if new then redis.call('EXPIRE', minute, MINUTES) end
end

local function say(job, always)
  local time = now()
  if always or time - number(job, 'told') >= TELL then
    set(job, 'told', time)
    redis.call('XADD', key('events'), 'MAXLEN', '~', EVENTS, '*', 'job', job,
      'owner', get(job, 'owner'), 'state', get(job, 'state'))
  end
end

-- State of an item and attempts so far.
local function standing(job, item)
  local first = item * WIDTH
  local stored = redis.call('GETRANGE', key('job', job, 'states'), first, first + WIDTH - 1)
  local value = stored ~= '' and struct.unpack('>I4', stored) or 0
  return value - value % TAKEN, value % TAKEN
end

local function mark(job, item, state, attempts)
  local stored = struct.pack('>I4', state + attempts)
  redis.call('SETRANGE', key('job', job, 'states'), item * WIDTH, stored)
end

-- A task is in nobody's hands any more. Returns whether it was until now.
local function drop(queue, entry)
  local tasks = key('queue', queue, 'tasks')
  local held = redis.call('XACK', tasks, GROUP, entry) == 1
  redis.call('XDEL', tasks, entry)
  return held
end

-- The attempt that fanned an item out, the number of its parts and of those not done.
local function fanned(job, item)
  local stored = redis.call('HGET', key('job', job, 'parts'), item)
  if not stored then return nil end
  local epoch, total, left = string.match(stored, '^(%d+) (%d+) (%d+)$')
  return tonumber(epoch), tonumber(total), tonumber(left)
end

local function drop_parts(job, item)
  redis.call('HDEL', key('job', job, 'parts'), item)
  redis.call('DEL', key('job', job, 'parts', item))
end

-- Whether all items were found and have ended.
local function all_ended(job)
  local sealed, items, done, failed =
    unpack(redis.call('HMGET', key('job', job), 'sealed', 'items', 'done', 'failed'))
  return sealed == '1' and (done or 0) + (failed or 0) == tonumber(items or 0)
end

-- The epoch of tasks that are meant now; nil where none are. Of items each has its own state.
local function epoch_of(job, kind, item)
  if kind == 'part' or kind == 'merge' then return (fanned(job, item)) end
  if kind == 'list' and get(job, 'sealed') == '1' then return nil end
  if kind == 'report' then return all_ended(job) and number(job, 'reports') or nil end
  return 0
end

-- A consumer lives. Where none was heard of for long the server was away, or out of their reach:
-- before what they have is taken back they get the time to say that they live.
local function heard(consumer, lease)
  local consumers, time = key('consumers'), now()
  local last = redis.call('ZREVRANGE', consumers, 0, 0, 'WITHSCORES')[2]
  if last and time - last > lease / 2 then
    redis.call('SET', key('grace'), '1', 'PX', math.floor(lease / 2))
  end
  redis.call('ZADD', consumers, time, consumer)
end
