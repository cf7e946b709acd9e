-- Take tasks: of the user who is next, of their job that is next.
-- ARGV: consumer, tasks wanted, '1' where the consumer has nothing in hand, lease in ms, most tries,
-- then the queues in the order to look.
-- Returns {jobs with suspects that wait for an idle consumer, alone (1 or 0), {task, ...}}, where a
-- task is {queue, entry, job, kind, item, part, attempt, attempt of its parts, tries}.
local consumer, wanted, idle, lease, most = unpack(ARGV, 1, 5)
wanted, lease, most = tonumber(wanted), tonumber(lease), tonumber(most)
local taken, suspects = {}, 0

local function hand_out(queue, job, kind, item, part, attempt, epoch, tries)
  local entry = redis.call('XADD', key('queue', queue, 'tasks'), '*', 'job', job, 'kind', kind,
    'item', item, 'part', part, 'attempt', attempt)
  local parts = (kind == 'part' or kind == 'merge') and epoch or 0
  taken[#taken + 1] = {queue, entry, job, kind, item, part, attempt, parts, tries}
end

-- Hand out a task that has waited, if it is still to be done.
local function offer(queue, job, kind, item, part, epoch)
  local attempt = epoch
  if kind == 'item' or kind == 'merge' then
    local state, attempts = standing(job, item)
    attempt = attempts + 1
    if state ~= (kind == 'item' and WAITING or TAKEN) then return end
    mark(job, item, TAKEN, attempt)
  elseif kind == 'part' and redis.call('GETBIT', key('job', job, 'parts', item), part) == 1 then
    return
  end
  local tries = redis.call('HGET', key('job', job, 'tries'), table.concat({kind, item, part}, ' '))
  hand_out(queue, job, kind, item, part, attempt, epoch, tonumber(tries or 0))
end

-- Hand out up to `room` tasks of the job that wait before the next items.
local function give_more(queue, job, room)
  local more = key('job', job, 'more')
  local enough = #taken + room
  while #taken < enough do
    local line = redis.call('LPOP', more)
    if not line then return end
    local kind, item, first, last, epoch = string.match(line, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
    item, first, last, epoch = tonumber(item), tonumber(first), tonumber(last), tonumber(epoch)
    local until_now = last
    if epoch_of(job, kind, item) == epoch then
      until_now = math.min(last, first + enough - #taken - 1)
      if until_now < last then
        redis.call('LPUSH', more, table.concat({kind, item, until_now + 1, last, epoch}, ' '))
      end
      count(job, queue, first - until_now - 1)
      for index = first, until_now do
        if kind == 'item' then offer(queue, job, kind, index, 0, epoch)
        else offer(queue, job, kind, item, index, epoch) end
      end
    else
      count(job, queue, first - last - 1)
    end
  end
end

-- Hand out up to `room` of the items that nobody has begun yet.
local function give_new(queue, job, room)
  local first, items = unpack(redis.call('HMGET', key('job', job), 'next', 'items'))
  local number = math.min(room, (items or 0) - first)
  if number <= 0 then return end
  set(job, 'next', first + number)
  count(job, queue, -number)
  redis.call('SETRANGE', key('job', job, 'states'), first * WIDTH,
    string.rep(struct.pack('>I4', TAKEN + 1), number))
  for item = first, first + number - 1 do hand_out(queue, job, 'item', item, 0, 1, 0, 0) end
end

local function start(job)
  if number(job, 'started') == 0 then
    set(job, 'started', now() / 1000)
    say(job, true)
  end
end

local function take_fair(queue)
  while #taken < wanted do
    local job, user, turn = next_job(queue, wanted - #taken)
    if not job then return end
    local before = #taken
    give_more(queue, job, turn)
    give_new(queue, job, before + turn - #taken)
    if #taken > before then
      charge(queue, user, job, #taken - before)
      start(job)
    end
    if redis.call('EXISTS', key('job', job, 'more')) == 0
      and number(job, 'next') == number(job, 'items') then leave(queue, job) end
  end
end

local function take_suspect(queue)
  local jobs = key('queue', queue, 'suspects')
  while true do
    local job = redis.call('ZRANGE', jobs, 0, 0)[1]
    if not job then return false end
    local waiting = key('job', job, 'suspects')
    local kind, item, part, epoch =
      string.match(redis.call('LPOP', waiting), '^(%S+) (%d+) (%d+) (%d+)$')
    if redis.call('EXISTS', waiting) == 1 then redis.call('ZADD', jobs, now(), job)
    else redis.call('ZREM', jobs, job) end
    count(job, queue, -1)
    if epoch_of(job, kind, tonumber(item)) == tonumber(epoch) then
      offer(queue, job, kind, tonumber(item), tonumber(part), tonumber(epoch))
      if #taken > 0 then return true end
    end
  end
end

heard(consumer, lease)
come_due()
local alone = 0
for index = 6, #ARGV do
  local queue = ARGV[index]
  local tasks, before = key('queue', queue, 'tasks'), #taken
  if redis.call('EXISTS', tasks) == 1 then
    reap(queue, lease, most)
    if idle == '1' and before == 0 and take_suspect(queue) then alone = 1
    else take_fair(queue) end
    suspects = suspects + redis.call('ZCARD', key('queue', queue, 'suspects'))
    if #taken > before then
      redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', #taken - before,
        'STREAMS', tasks, '>')
    end
    if alone == 1 or #taken >= wanted then break end
  end
end
return {suspects, alone, taken}
